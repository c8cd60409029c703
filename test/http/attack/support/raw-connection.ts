import { connect, type Socket } from 'node:net'

/** What came back over a connection until it was closed. */
export interface Conversation {
  readonly text: string
  /** Of every answer, in order. */
  readonly statuses: readonly number[]
}

/** Far more than any answer takes, on a machine with much else to do. */
const DEADLINE_MS = 60_000

/** Says something over a connection of its own, then nothing more, and hears what comes back until the other side closes. */
export function converse(port: number, said: readonly (Buffer | string)[]): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const heard: Buffer[] = []
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`The connection was not closed within ${DEADLINE_MS} ms; heard ${Buffer.concat(heard)}`))
    }, DEADLINE_MS)
    socket.on('data', (bytes) => heard.push(bytes))
    // A server may slam the door while something is still being said.
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearTimeout(timer)
      const text = Buffer.concat(heard).toString('latin1')
      resolve({ text, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1])) })
    })
    void say(socket, said)
  })
}

async function say(socket: Socket, said: readonly (Buffer | string)[]): Promise<void> {
  for (const bytes of said) {
    if (socket.destroyed) return
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
  }
  socket.end()
}
