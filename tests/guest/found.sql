-- Rows, the newest of them, the total that was kept, and the rows whose text is not what their number says.
SELECT count(*), coalesce(max(number), 0), (SELECT entries FROM total),
       coalesce(sum(text IS NOT printf('%0*d', 100 + number * 37 % 3000, number)), 0)
FROM entry;
