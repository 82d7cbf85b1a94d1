/** The rate of a download is that of the last seconds, and says nothing before it can. */
import { expect, it } from 'vitest'
import { TransferRate } from '../../../packages/sdk/src/worker/transfer-rate.js'

it('is what came over the time in which it came', () => {
  const rate = new TransferRate()
  for (let now = 0; now <= 2_000; now += 100) rate.received(1_000, now)
  expect(rate.bytesPerSecond(2_000)).toBe(10_000)
})

it('is not told before there is half a second of it', () => {
  const rate = new TransferRate()
  expect(rate.bytesPerSecond(0)).toBeUndefined()
  rate.received(1_000, 0)
  rate.received(1_000, 400)
  expect(rate.bytesPerSecond(499)).toBeUndefined()
  expect(rate.bytesPerSecond(500)).toBe(2_000)
})

it('counts from the first request on, and says nothing while nothing has come', () => {
  const rate = new TransferRate()
  rate.start(0)
  expect(rate.bytesPerSecond(2_000)).toBeUndefined()
  rate.received(8_000, 4_000)
  expect(rate.bytesPerSecond(4_000)).toBe(2_000)
})

it('follows the link: what was more than five seconds ago does not count', () => {
  const rate = new TransferRate()
  for (let now = 0; now <= 10_000; now += 100) rate.received(100_000, now)
  for (let now = 10_100; now <= 15_000; now += 100) rate.received(1_000, now)
  expect(rate.bytesPerSecond(15_000)).toBe(10_000)
})

it('falls to nothing while nothing comes', () => {
  const rate = new TransferRate()
  for (let now = 0; now <= 1_000; now += 100) rate.received(1_000, now)
  expect(rate.bytesPerSecond(2_000)).toBe(5_000)
  expect(rate.bytesPerSecond(6_000)).toBe(0)
})

it('does not depend on how finely the bytes are told', () => {
  const rate = new TransferRate()
  for (let now = 0; now <= 3_000; now += 1) rate.received(10, now)
  expect(rate.bytesPerSecond(3_000)).toBeCloseTo(10_000, -1)
})
