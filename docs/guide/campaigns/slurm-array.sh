#!/bin/bash
# A campaign of 64 shards as a Slurm array, 16 at a time, and the merge after it:
#
#   job=$(sbatch --parsable slurm-array.sh)
#   sbatch --dependency=afterany:"$job" --wrap="switchback explore merge results --campaign campaign.json"
#
#SBATCH --job-name=switchback-campaign
#SBATCH --array=0-63%16
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --output=shard-%a.log

set -euo pipefail

# The shard is read from SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT. A task that is requeued goes on from its checkpoint.
exec switchback explore --campaign campaign.json --jobs "${SLURM_CPUS_PER_TASK:-1}" --out results
