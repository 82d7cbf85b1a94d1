/** Manifests are found once, and what may pass is asked again. */
import { expect, it, vi } from 'vitest'
import { ModelDirectory, type LocateModel } from '../../../packages/sdk/src/api/model-directory.js'
import type { ModelSource } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { findsEverything } from './fake-client.js'

const failWith = (code: ErrorCode) => vi.fn<LocateModel>(() => Promise.reject(new EdgewardError(code, code)))
const directoryOf = (locate: LocateModel) => new ModelDirectory(['https://models.example/'], locate)

it('asks once for each model', async () => {
  const locate = vi.fn(findsEverything)
  const directory = directoryOf(locate)
  const [first, second] = await Promise.all([
    directory.find('a', 'cache-first', neverAborted()),
    directory.find('a', 'cache-first', neverAborted()),
  ])
  expect(await directory.find('a', 'cache-first', neverAborted())).toBe(first)
  expect(second).toBe(first)
  await directory.find('b', 'cache-first', neverAborted())
  expect(locate.mock.calls).toEqual([
    [{ modelsUrls: ['https://models.example/'], model: 'a', from: 'cache-first' }],
    [{ modelsUrls: ['https://models.example/'], model: 'b', from: 'cache-first' }],
  ])
})

it.each(['MANIFEST_NOT_FOUND', 'MANIFEST_INVALID'] as const)('remembers %s', async (code) => {
  const locate = failWith(code)
  const directory = directoryOf(locate)
  await directory.find('a', 'cache-first', neverAborted())
  expect(await directory.find('a', 'cache-first', neverAborted())).toMatchObject({ code })
  expect(locate).toHaveBeenCalledOnce()
})

it.each(['DOWNLOAD_FAILED', 'WORKER_DIED'] as const)('asks again after %s', async (code) => {
  const locate = failWith(code)
  const directory = directoryOf(locate)
  expect(await directory.find('a', 'cache-first', neverAborted())).toMatchObject({ code })
  locate.mockImplementation(findsEverything)
  expect(await directory.find('a', 'cache-first', neverAborted())).toHaveProperty('manifestUrl')
})

it('rejects with what is final, and asks again next time', async () => {
  const locate = failWith('INVALID_OPTION')
  const directory = directoryOf(locate)
  await expect(directory.find('a', 'cache-first', neverAborted())).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(directory.find('a', 'cache-first', neverAborted())).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  expect(locate).toHaveBeenCalledTimes(2)
})

it('says outside a page that the address must be absolute', async () => {
  const finding = new ModelDirectory(['/models/'], findsEverything).find('a', 'cache-first', neverAborted())
  await expect(finding).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(finding).rejects.toThrow('"/models/"')
})

it('asks the source each time for what must be new, and uses what it is told to keep', async () => {
  const locate = vi.fn(findsEverything)
  const directory = directoryOf(locate)
  const first = await directory.find('a', 'cache-first', neverAborted())
  const newest = await directory.find('a', 'source', neverAborted())
  await directory.find('a', 'source', neverAborted())
  expect(locate).toHaveBeenCalledTimes(3)
  expect(await directory.find('a', 'cache-first', neverAborted())).toBe(first)
  directory.keep('a', newest as ModelSource)
  expect(await directory.find('a', 'cache-first', neverAborted())).toBe(newest)
})

it('asks all mirrors', async () => {
  const locate = vi.fn(findsEverything)
  const mirrors = ['https://one.example/', new URL('https://two.example/')]
  await new ModelDirectory(mirrors, locate).find('a', 'cache-first', neverAborted())
  expect(locate.mock.calls[0]?.[0].modelsUrls).toEqual(['https://one.example/', 'https://two.example/'])
})
