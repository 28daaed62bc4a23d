#!/usr/bin/env bash
# Records anew what tests/real_file_systems.rs of the harness replays: SQLite and PostgreSQL 15 writing to two ext4 disks.
#
#   tools/record-disk/record.sh OUT.xz [TRANSACTIONS]
#
# Needs root (mount, loop devices), FUSE, and Debian's e2fsprogs, sqlite3, postgresql-15, qemu-utils (qemu-storage-daemon) and xz-utils.
# The way of a write: ext4 -> loop device -> file of qemu-storage-daemon -> NBD -> record-disk. No step holds writes back: the loop device
# asks for direct I/O, and the daemon has no cache.
set -euo pipefail
out=$(realpath -m "${1:?usage: record.sh OUT.xz [TRANSACTIONS]}")
transactions=${2:-120}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(ls -d /usr/lib/postgresql/15/bin)
for program in qemu-storage-daemon mke2fs losetup sqlite3 xz setpriv "$bin/postgres"; do
    command -v "$program" >/dev/null || { echo "record.sh: $program is missing" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "record.sh: mounting needs root" >&2; exit 1; }

work=$(mktemp -d)
chmod 755 "$work"
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
loops=() clients=()
cleanup() {
    set +e
    for client in "${clients[@]}"; do kill "$client"; done
    [ -f "$work/data/pg/postmaster.pid" ] && as_nobody "$bin/pg_ctl" -D "$work/data/pg" -m immediate -w stop >/dev/null
    sleep 1 # For the clients to close their files.
    umount "$work/data" "$work/wal"
    for loop in "${loops[@]}"; do losetup -d "$loop"; done
    [ -n "${daemon:-}" ] && kill "$daemon" && wait "$daemon"
    exec 3>&-
    mountpoint -q "$work/data" || rm -rf "$work"
}
trap cleanup EXIT

# What the disks hold at first: a cluster without the databases that nobody uses, two SQLite databases, all cleanly shut down.
mkdir "$work/data" "$work/wal"
make_disk() { # NAME MIB
    truncate -s "$2M" "$work/$1.img"
    mke2fs -q -t ext4 -b 4096 -m 0 -N 2048 -J size=4 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard -L "$1" "$work/$1.img"
}
make_disk data 64
make_disk wal 24
mount -o loop "$work/data.img" "$work/data"
mount -o loop "$work/wal.img" "$work/wal"
install -d -o 65534 -g 65534 -m 700 "$work/data/pg" "$work/wal/pg_wal" "$work/data/sqlite"
as_nobody "$bin/initdb" -D "$work/data/pg" -X "$work/wal/pg_wal" --wal-segsize=1 -U app -A trust --locale=C -E SQL_ASCII -k >/dev/null
cat >>"$work/data/pg/postgresql.conf" <<'CONF'
listen_addresses = ''
unix_socket_directories = '/tmp'
port = 54399
shared_buffers = 1MB
max_connections = 10
min_wal_size = 2MB
max_wal_size = 4MB
autovacuum = off
synchronous_commit = on
fsync = on
full_page_writes = on
CONF
tables="CREATE TABLE account (id integer PRIMARY KEY, balance integer NOT NULL, touched integer NOT NULL, pad text NOT NULL);
CREATE TABLE ledger (n integer PRIMARY KEY, chain bigint NOT NULL, pad text NOT NULL);"
as_nobody "$bin/postgres" --single -j -D "$work/data/pg" template1 >/dev/null <<'SQL'
UPDATE pg_database SET datistemplate = false;

DROP DATABASE postgres;

DROP DATABASE template0;

CREATE EXTENSION amcheck;

SQL
as_nobody "$bin/postgres" --single -j -D "$work/data/pg" template1 >/dev/null <<SQL
$tables

INSERT INTO account SELECT id, 0, 0, repeat('x', 200) FROM generate_series(1, 400) id;

SQL
for mode in delete wal; do
    sqlite3 "$work/data/sqlite/$mode.db" >/dev/null <<SQL
PRAGMA journal_mode = $mode;
$tables
WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 400)
INSERT INTO account SELECT id, 0, 0, printf('%200s', 'x') FROM ids;
SQL
done
umount "$work/data" "$work/wal"

# From here on every write is recorded.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/../../target/record-disk} cargo build -q --release --manifest-path "$here/Cargo.toml"
mkfifo "$work/marks"
"${CARGO_TARGET_DIR:-$here/../../target/record-disk}/release/record-disk" "$work/nbd" "$work/recording" "$work/data.img" "$work/wal.img" \
    <"$work/marks" &
exec 3>"$work/marks"
until [ -S "$work/nbd" ]; do sleep 0.1; done
arguments=()
for disk in 0 1; do
    touch "$work/disk$disk"
    arguments+=(--blockdev "nbd,node-name=d$disk,server.type=unix,server.path=$work/nbd,export=disk$disk"
        --export "fuse,id=e$disk,node-name=d$disk,mountpoint=$work/disk$disk,writable=on")
done
qemu-storage-daemon "${arguments[@]}" --pidfile "$work/daemon.pid" 3>&- &
daemon=$!
until [ -s "$work/disk1" ] && [ -s "$work/disk0" ]; do sleep 0.1; done
loops=("$(losetup --show -f --direct-io=on "$work/disk0")" "$(losetup --show -f --direct-io=on "$work/disk1")")
mount -o nodiscard,noatime,commit=1 "${loops[0]}" "$work/data"
mount -o nodiscard,noatime,commit=1 "${loops[1]}" "$work/wal"
as_nobody "$bin/pg_ctl" -D "$work/data/pg" -l /dev/null -w start >/dev/null 3>&-

coproc PG { exec psql -X -q -A -t -h /tmp -p 54399 -U app template1 3>&-; }
clients+=("$PG_PID")
exec 4<&"${PG[0]}" 5>&"${PG[1]}"
coproc DELETE { exec sqlite3 "$work/data/sqlite/delete.db" 3>&- 4<&- 5>&-; } 2>/dev/null
clients+=("$DELETE_PID")
exec 6<&"${DELETE[0]}" 7>&"${DELETE[1]}"
coproc WAL { exec sqlite3 "$work/data/sqlite/wal.db" 3>&- 4<&- 5>&- 6<&- 7>&-; } 2>/dev/null
clients+=("$WAL_PID")
exec 8<&"${WAL[0]}" 9>&"${WAL[1]}"
# Only with EXTRA is the removal of a rollback journal durable when a commit returns.
echo 'PRAGMA synchronous = EXTRA;' >&7
echo 'PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20;' >&9

chain=7
read -r _ <&8 # What setting wal_autocheckpoint says.
transact() { # NAME FROM TO NUMBER
    local from=$((1 + $4 * 37 % 400)) to=$((1 + ($4 * 37 + 191) % 400))
    echo "BEGIN; INSERT INTO ledger VALUES ($4, $chain, '$pad'); UPDATE account SET balance = balance - $4, touched = touched + 1 WHERE id = $from; UPDATE account SET balance = balance + $4, touched = touched + 1 WHERE id = $to; COMMIT; SELECT $4;" >&"$3"
    read -r said <&"$2"
    [ "$said" = "$4" ] || { echo "record.sh: $1 says: $said" >&2; exit 1; }
    echo "$1 $4" >&3
}
pad=$(printf '%0100d' 0)
for ((n = 1; n <= transactions; n++)); do
    chain=$(((chain * 31 + n) % 1000000007))
    transact postgres 4 5 "$n"
    transact sqlite-delete 6 7 "$n"
    transact sqlite-wal 8 9 "$n"
    if ((n % 40 == 0)); then echo 'CHECKPOINT;' >&5; fi
    sleep 0.05
done

# The recording ends while everything is open: its last state is a power failure too.
echo end >&3
until [ -f "$work/recording" ]; do sleep 0.1; done
xz -9e -c "$work/recording" >"$out"
ls -l "$work/recording" "$out" >&2
