#!/bin/sh
# A child goes on for a moment and holds the output open.
sleep 20 &
echo "started"
