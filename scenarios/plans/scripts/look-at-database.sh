#!/bin/sh
# Told of the machines of its group, on standard input; ends with 0 when the database that was recovered will do. This one
# takes its word for it.
echo "looked at: $(sed 's/.*"RoleName":"\([^"]*\)".*/\1/')"
