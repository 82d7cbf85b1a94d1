/** Checks what the lockfile must be for `npm ci` to work on every machine: complete, and without registry addresses. */

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {boolean} [link]
 * @property {Record<string, string>} [optionalDependencies]
 *
 * @typedef {{ packages: Record<string, LockedPackage> }} Lockfile
 */

const exactVersion = /^\d+\.\d+\.\d+/

/**
 * @param {Lockfile} lockfile
 * @returns {string[]} what is wrong, one line each
 */
export function lockfileProblems({ packages }) {
  return Object.entries(packages).flatMap(([path, entry]) => [
    ...addressProblems(path, entry),
    ...missingBuilds(packages, path, entry),
  ])
}

/**
 * @param {string} path
 * @param {LockedPackage} entry
 */
function addressProblems(path, { resolved, link }) {
  const hasAddress = resolved !== undefined && link !== true
  return hasAddress ? [`${path} records where it was downloaded; npm must run where it reads the root's .npmrc`] : []
}

/**
 * A native package lists a build for each platform. npm leaves a build out when the registry that made the lockfile
 * does not have it, and then refuses `npm ci` everywhere.
 *
 * @param {Lockfile['packages']} packages
 * @param {string} path
 * @param {LockedPackage} entry
 */
function missingBuilds(packages, path, { optionalDependencies = {} }) {
  return Object.entries(optionalDependencies)
    .filter(([name, wanted]) => !isLocked(packages, path, name, wanted))
    .map(
      ([name, wanted]) => `${path} needs ${name} ${wanted}, which is missing: use a version whose builds are all there`,
    )
}

/**
 * @param {Lockfile['packages']} packages
 * @param {string} from path of the package that needs it
 * @param {string} name
 * @param {string} wanted
 */
function isLocked(packages, from, name, wanted) {
  const found = nearest(packages, from, name)
  return found !== undefined && (!exactVersion.test(wanted) || found.version === wanted)
}

/**
 * Looks a package up as Node does: beside the one that needs it, then further out.
 *
 * @param {Lockfile['packages']} packages
 * @param {string} from
 * @param {string} name
 * @returns {LockedPackage | undefined}
 */
function nearest(packages, from, name) {
  const found = packages[`${from === '' ? '' : `${from}/`}node_modules/${name}`]
  if (found !== undefined || from === '') return found
  return nearest(packages, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
}
