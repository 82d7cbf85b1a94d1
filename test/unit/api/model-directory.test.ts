/** Manifests are found once, and what may pass is asked again. */
import { expect, it, vi } from 'vitest'
import { ModelDirectory, type LocateModel } from '../../../packages/sdk/src/api/model-directory.js'
import { EdgewardError, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { findsEverything } from './fake-client.js'

const failWith = (code: ErrorCode) => vi.fn<LocateModel>(() => Promise.reject(new EdgewardError(code, code)))
const directoryOf = (locate: LocateModel) => new ModelDirectory('https://models.example/', locate)

it('asks once for each model', async () => {
  const locate = vi.fn(findsEverything)
  const directory = directoryOf(locate)
  const [first, second] = await Promise.all([directory.find('a', neverAborted()), directory.find('a', neverAborted())])
  expect(await directory.find('a', neverAborted())).toBe(first)
  expect(second).toBe(first)
  await directory.find('b', neverAborted())
  expect(locate.mock.calls).toEqual([
    ['https://models.example/', 'a'],
    ['https://models.example/', 'b'],
  ])
})

it.each(['MANIFEST_NOT_FOUND', 'MANIFEST_INVALID'] as const)('remembers %s', async (code) => {
  const locate = failWith(code)
  const directory = directoryOf(locate)
  await directory.find('a', neverAborted())
  expect(await directory.find('a', neverAborted())).toMatchObject({ code })
  expect(locate).toHaveBeenCalledOnce()
})

it.each(['DOWNLOAD_FAILED', 'WORKER_DIED'] as const)('asks again after %s', async (code) => {
  const locate = failWith(code)
  const directory = directoryOf(locate)
  expect(await directory.find('a', neverAborted())).toMatchObject({ code })
  locate.mockImplementation(findsEverything)
  expect(await directory.find('a', neverAborted())).toHaveProperty('manifestUrl')
})

it('rejects with what is final, and asks again next time', async () => {
  const locate = failWith('INVALID_OPTION')
  const directory = directoryOf(locate)
  await expect(directory.find('a', neverAborted())).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(directory.find('a', neverAborted())).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  expect(locate).toHaveBeenCalledTimes(2)
})

it('says outside a page that the address must be absolute', async () => {
  const finding = new ModelDirectory('/models/', findsEverything).find('a', neverAborted())
  await expect(finding).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(finding).rejects.toThrow('"/models/"')
})
