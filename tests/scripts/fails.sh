#!/bin/sh
echo "the database does not answer" >&2
exit 3
