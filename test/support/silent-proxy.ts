import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between a client and its server. */
export interface SilentProxy {
  /** The server's URL, through the proxy. */
  readonly url: string
  /**
   * From now on clients hear nothing any more, on connections that are open and on new ones, and none of them is closed. The
   * server sees its ends closed.
   */
  silence(): void
  close(): Promise<void>
}

/** A way to a server that may go silent, as one through a firewall or a load balancer does that has forgotten its connections. */
export async function silentProxy(server: string): Promise<SilentProxy> {
  const target = new URL(server)
  const clients = new Set<Socket>()
  const upstreams = new Set<Socket>()
  let isSilent = false
  const proxy = createServer((client) => {
    clients.add(client)
    client.on('error', () => {})
    client.on('close', () => clients.delete(client))
    if (isSilent) return
    const upstream = connect(Number(target.port), target.hostname)
    upstreams.add(upstream)
    client.on('data', (data) => {
      if (!isSilent) upstream.write(data)
    })
    client.on('close', () => upstream.destroy())
    upstream.on('data', (data) => void client.write(data))
    upstream.on('error', () => {})
    upstream.on('close', () => {
      upstreams.delete(upstream)
      if (!isSilent) client.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = new URL(server)
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as AddressInfo).port)
  return {
    url: url.href,
    silence() {
      isSilent = true
      for (const upstream of upstreams) upstream.destroy()
    },
    async close() {
      for (const client of clients) client.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
