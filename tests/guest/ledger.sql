-- One row for each transaction, and how many there are in a place that every transaction writes.
PRAGMA journal_mode = WAL;
CREATE TABLE entry (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE total (entries INTEGER NOT NULL);
INSERT INTO total VALUES (0);
