// A process of its own: for each job id that it is sent, so many clients watch the job to its end, and it tells how many heard it.
import { connect } from 'node:net'

const [port, clients] = process.argv.slice(2).map(Number)

process.on('message', async (jobId) => {
  const ends = await Promise.all(Array.from({ length: Number(clients) }, () => lastBytesOf(String(jobId))))
  process.send?.(ends.filter((end) => end.includes('event: complete')).length)
})

/** The end of a stream; no more of it is kept, let alone parsed: the clients are not what is measured. */
function lastBytesOf(jobId: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    let tail = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      tail = Buffer.concat([tail, bytes]).subarray(-2_000)
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(tail.toString()))
    socket.write(`GET /api/system/recalculate/stream/${jobId} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  })
}
