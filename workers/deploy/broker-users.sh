#!/bin/sh
# Broker users with the least that they need. Run where rabbitmqctl reaches the broker:
#
#   RRM_SCHEDULER_PASSWORD=... RRM_WORKER_PASSWORD=... sh broker-users.sh
#
# A scheduler may write to the exchange `rrm` and nothing else: it can read no ticket and make no queue.
# A worker makes the queues and reads them; it may write to the dead letters alone, so that it cannot
# send tickets. Permissions are: configure, write, read.
set -eu
node="${ERLANG_NODE:+--node $ERLANG_NODE}"
vhost="${RRM_VHOST:-/}"

user() {
    # shellcheck disable=SC2086
    rabbitmqctl $node --quiet add_user "$1" "$2" 2>/dev/null ||
        rabbitmqctl $node --quiet change_password "$1" "$2"
    # shellcheck disable=SC2086
    rabbitmqctl $node --quiet set_permissions --vhost "$vhost" "$1" "$3" "$4" "$5"
}

user scheduler "$RRM_SCHEDULER_PASSWORD" '^rrm$' '^rrm$' '^$'
user worker "$RRM_WORKER_PASSWORD" '^(rrm|rrm\.dead|train\..*)$' '^(rrm\.dead|train\..*)$' '^(rrm|rrm\.dead|train\..*)$'
