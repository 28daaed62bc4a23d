#!/bin/sh
# Waits for a child that would outlive it, were the child not ended too.
echo "waiting"
sleep 600 &
echo $! > child.pid
wait
