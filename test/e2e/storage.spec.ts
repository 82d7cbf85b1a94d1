/** Storage as the browser really takes it: chunks that it refuses, data that are cleared, a database that is deleted. */
import {
  expect,
  expectAnswer,
  list,
  model,
  reasons,
  scarceBytes,
  setQuota,
  start,
  startHeld,
  storedChunks,
  test,
  type Visit,
} from './support/storage.js'

test('a browser that tells of more storage than it gives refuses chunks: the model answers from memory and says so', async ({
  visit,
}) => {
  const first = await visit()
  await setQuota(first, scarceBytes)
  await expectAnswer(start(first))
  await expect
    .poll(() => reasons(first))
    .toEqual([expect.stringMatching(/gives this site no more storage \(QuotaExceededError\)/)])
  expect(await list(first)).toEqual([])
  await setQuota(first)
  await first.page.close()

  const next = await visit()
  const kept = await storedChunks(next)
  expect(kept).toBeGreaterThan(0)
  await expectAnswer(start(next))
  await expect.poll(() => list(next)).toEqual([model])
  expect(await reasons(next)).toEqual([])
})

const losses: Readonly<Record<string, (visit: Visit, other: Visit) => Promise<unknown>>> = {
  'the site’s data are cleared': ({ page, session }) =>
    session.send('Storage.clearDataForOrigin', { origin: new URL(page.url()).origin, storageTypes: 'all' }),
  'another tab deletes the database': (_, other) =>
    other.page.evaluate(
      () =>
        new Promise<void>((resolve, reject) => {
          const deleting = indexedDB.deleteDatabase('edgeward-weights')
          deleting.onsuccess = () => resolve()
          deleting.onerror = () => reject(deleting.error ?? new Error('not deleted'))
        }),
    ),
}

for (const [what, lose] of Object.entries(losses)) {
  test(`when ${what} in mid-download, the model answers, and the next visit has it again`, async ({
    visit,
    server,
  }) => {
    const [first, other] = [await visit(), await visit()]
    const { answer } = await startHeld(first, server)
    await lose(first, other)
    server.release()
    await expectAnswer(answer)
    await first.page.close()

    await expectAnswer(start(other))
    await expect.poll(() => list(other)).toEqual([model])
  })

  test(`when ${what} while a model runs, it goes on answering, and the next visit fetches it again silently`, async ({
    visit,
    server,
  }) => {
    const [first, other] = [await visit(), await visit()]
    await expectAnswer(start(first))
    await expect.poll(() => list(first)).toEqual([model])
    await lose(first, other)
    await expectAnswer(start(first))
    expect(await list(first)).toEqual([])
    await first.page.close()

    server.weights.splice(0)
    await expectAnswer(start(other))
    await expect.poll(() => list(other)).toEqual([model])
    expect(server.weights.length).toBeGreaterThan(0)
    expect(await reasons(other)).toEqual([])
  })
}
