#!/bin/sh
# Keeps what a script of a recovery plan is told, in the folder of the scenario: both ways, to be compared.
[ "$1" = -RecoveryPlanContext ] || exit 9
printf '%s' "$2" > parameter.json
cat > input.json
echo "the database answers"
