/** What failed in one test rests for a while, also after a reload: the next test does not begin with that. */
import { beforeEach } from 'vitest'

beforeEach(() => localStorage.clear())
