/** Finds a port that nobody listens on. */
import { createServer } from 'node:net'

/** Both loopback addresses and "all addresses": a server on any of them would answer in our place, or keep us out. */
const hosts = ['127.0.0.1', '::1', '0.0.0.0', '::']
const unavailableHere = ['EADDRNOTAVAIL', 'EAFNOSUPPORT']
const attempts = 100

/**
 * The wanted port, or the next one that is free.
 *
 * @param {number} wanted
 */
export async function findFreePort(wanted) {
  for (let port = wanted; port < wanted + attempts; port += 1) {
    if (await isFree(port)) return port
  }
  throw new Error(`no free port between ${wanted} and ${wanted + attempts - 1}`)
}

/** @param {number} port */
async function isFree(port) {
  for (const host of hosts) {
    if (!(await canListen(port, host))) return false
  }
  return true
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<boolean>}
 */
function canListen(port, host) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      resolve(unavailableHere.includes(error.code ?? ''))
    })
    server.listen({ port, host, exclusive: true, ipv6Only: true }, () => server.close(() => resolve(true)))
  })
}
