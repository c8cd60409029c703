import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server on which every packet takes some milliseconds, there and back each half of them. */
export async function delayedWay(
  server: string,
  roundTripMs: number,
): Promise<{ readonly url: string; close(): void }> {
  const target = new URL(server)
  const open = new Set<Socket>()
  const pass = (from: Socket, to: Socket) => {
    open.add(from)
    from.setNoDelay(true)
    from.on('data', (data) => void setTimeout(() => to.write(data), roundTripMs / 2))
    from.on('error', () => {})
    from.on('close', () => {
      open.delete(from)
      setTimeout(() => to.end(), roundTripMs / 2)
    })
  }
  const proxy = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    pass(client, upstream)
    pass(upstream, client)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = new URL(server)
  url.port = String((proxy.address() as AddressInfo).port)
  return {
    url: url.href,
    close() {
      for (const socket of open) socket.destroy()
      proxy.close()
    },
  }
}
