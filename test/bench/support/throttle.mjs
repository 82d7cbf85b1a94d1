/** A link of a given speed in front of a server: all connections share it, as they share a user's line. */
import { connect, createServer } from 'node:net'

/**
 * @param {number} port the server's
 * @param {number} bytesPerSecond towards the browser
 * @returns {Promise<{ url: string, sentBytes(): number, close(): void }>}
 */
export async function startThrottle(port, bytesPerSecond) {
  let freeAt = 0
  let sentBytes = 0
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', (bytes) => {
      // The link is busy until `freeAt`; these bytes come after what is already on it.
      const now = performance.now()
      freeAt = Math.max(freeAt, now) + (bytes.length / bytesPerSecond) * 1000
      sentBytes += bytes.length
      upstream.pause()
      setTimeout(() => {
        client.write(bytes)
        upstream.resume()
      }, freeAt - now)
    })
    upstream.on('end', () => setTimeout(() => client.end(), Math.max(0, freeAt - performance.now())))
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    client.on('close', () => upstream.destroy())
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the link has no port')
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url: `http://127.0.0.1:${address.port}`, sentBytes: () => sentBytes, close }
}
