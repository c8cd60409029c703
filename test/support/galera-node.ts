import { chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { GaleraProgram } from './galera-program.ts'
import { installData, serverOptions } from './private-mariadb.ts'
import { type PrivateServer, type ServerProgram, startPrivateServer } from './private-server.ts'

/** Where the nodes of a cluster find each other. */
export interface NodePlace {
  readonly name: string
  /** Between the nodes. */
  readonly port: number
  /** For what a node missed. */
  readonly missedPort: number
  /** For whole copies, of which there are none. */
  readonly copyPort: number
}

/** Starts the node. After a crash it asks its own data first how far it was. */
const RUN = `
  server=$1 data=$2; shift 2
  if [ -e "$data.first" ]; then set -- "$@" --wsrep-new-cluster
  elif grep -q 'seqno: *-1' "$data/grastate.dat"; then
    "$server" "$@" --wsrep-recover --log-error="$data.recovered" >/dev/null 2>&1
    set -- "$@" --wsrep-start-position="$(sed -n 's/.*Recovered position: *//p' "$data.recovered" | tail -n 1)"
  fi
  exec "$server" "$@"`

/**
 * What Galera calls when a node joins. Nodes begin with the same data, so what they missed is all that they need; a whole copy
 * would take programs that a bare machine has not.
 */
const JOIN = `#!/bin/sh
  while [ $# -gt 0 ]; do
    case $1 in
      --role) role=$2; shift ;;
      --address) address=$2; shift ;;
      --gtid) position=$2; shift ;;
      --bypass) bypass=yes ;;
    esac
    shift
  done
  port=\${address%%/*}
  note=$RECALC_JOINING/\${port##*:}
  if [ "$role" = joiner ]; then
    rm -f "$note"
    echo "ready $address/none"
    while [ ! -s "$note" ]; do sleep 0.05; done
    cat "$note"
  elif [ -n "$bypass" ]; then
    echo "$position" >"$note.new" && mv "$note.new" "$note" && echo "done $position"
  else
    echo 'the node has missed too much' >&2
    exit 1
  fi`

/** The first node, with data of its own, which the others begin with, too. */
export async function startFirstNode(
  program: GaleraProgram,
  places: readonly NodePlace[],
  shared: string,
): Promise<PrivateServer & { readonly data: string }> {
  const [place] = places as [NodePlace]
  await writeFile(join(shared, 'wsrep_sst_missed'), JOIN)
  await chmod(join(shared, 'wsrep_sst_missed'), 0o755)
  let data = ''
  const node = await startPrivateServer('galera', async (folder, port) => {
    data = join(folder, 'data')
    await installData(program, { folder, data, port })
    await writeFile(`${data}.first`, '')
    return nodeProgram(program, { folder, data, port, place, places, shared })
  })
  return Object.assign(node, { data })
}

/** Another node, which begins with a copy of the first one's data while that is shut down. */
export function startNode(
  program: GaleraProgram,
  place: NodePlace,
  places: readonly NodePlace[],
  { shared, original }: { readonly shared: string; readonly original: string },
): Promise<PrivateServer> {
  return startPrivateServer('galera', async (folder, port) => {
    const data = join(folder, 'data')
    await mkdir(data)
    await cp(original, data, { recursive: true })
    return nodeProgram(program, { folder, data, port, place, places, shared })
  })
}

function nodeProgram(
  program: GaleraProgram,
  about: {
    readonly folder: string
    readonly data: string
    readonly port: number
    readonly place: NodePlace
    readonly places: readonly NodePlace[]
    readonly shared: string
  },
): ServerProgram {
  const { folder, data, port, place, places, shared } = about
  const provider = [
    `base_port=${place.port}`,
    `gmcast.listen_addr=tcp://127.0.0.1:${place.port}`,
    `ist.recv_addr=127.0.0.1:${place.missedPort}`,
    'gcache.size=64M',
    // A node that is gone is missed sooner than across a wide network.
    'evs.keepalive_period=PT0.5S',
    'evs.suspect_timeout=PT3S',
    'evs.inactive_timeout=PT6S',
    'evs.install_timeout=PT6S',
  ]
  const options = [
    ...serverOptions({ folder, data, port }),
    '--innodb-buffer-pool-size=48M',
    '--innodb-log-file-size=32M',
    '--innodb-flush-log-at-trx-commit=2',
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
    '--wsrep-on=ON',
    `--wsrep-provider=${program.library}`,
    `--wsrep-provider-options=${provider.join(';')}`,
    `--wsrep-cluster-address=gcomm://${places.map((one) => `127.0.0.1:${one.port}`).join(',')}`,
    '--wsrep-cluster-name=recalc',
    `--wsrep-node-name=${place.name}`,
    `--wsrep-node-address=127.0.0.1:${place.port}`,
    '--wsrep-sst-method=missed',
    `--wsrep-sst-receive-address=127.0.0.1:${place.copyPort}`,
  ]
  const path = [shared, dirname(program.server), process.env.PATH ?? ''].join(':')
  const script = `PATH='${path}' RECALC_JOINING='${shared}'; export PATH RECALC_JOINING; ${RUN}`
  return {
    name: 'MariaDB with Galera',
    file: '/bin/sh',
    options: ['-c', script, 'sh', program.server, data, ...options],
    readyLine: 'ready for connections',
  }
}
