import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { KEYS } from '../../support/api-under-test.ts'
import { BASE } from '../../support/server.ts'

/** A connection that has asked for a job's stream, and is read by nobody yet. */
export async function streamSocket(port: number, jobId: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const head = [
    `GET ${BASE}/stream/${jobId} HTTP/1.1`,
    'Host: localhost',
    `X-API-Key: ${KEYS.acme}`,
    'Connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  return socket
}

/** Everything that comes over a connection until its end. */
export async function textOf(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8')
  for await (const part of socket) text += part
  return text
}

/** The name of the last event in what came over a connection. */
export function lastEventIn(text: string): string | undefined {
  return [...text.matchAll(/^event: (\w+)$/gm)].at(-1)?.[1]
}
