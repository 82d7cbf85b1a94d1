/**
 * Makes an ES module of @mlc-ai/web-xgrammar, which is a classic script in a package of ES modules: as it is, neither Node nor a
 * module worker can import it. Used by the build and by the tests. Its binary is inside; it asks for nothing else.
 *
 * @returns {{ name: string, transform(code: string, id: string): string | undefined }}
 */
export function xgrammarModule() {
  return {
    name: 'xgrammar-module',
    transform(code, id) {
      if (!/web-xgrammar[\\/]lib[\\/]index\.js/.test(id)) return undefined
      const body = changes.reduce(replaced, code)
      return `const exports = {}; const module = { exports };\n${body}\nexport const { ${names.join(', ')} } = exports;\n`
    },
  }
}

const names = ['GrammarCompiler', 'GrammarMatcher', 'TokenizerInfo']

/** @type {readonly (readonly [RegExp, string])[]} */
const changes = [
  // It is the same everywhere: no file is read, and no script looked for.
  [/var ENVIRONMENT_IS_WEB=[^;]*;/, 'var ENVIRONMENT_IS_WEB=true;'],
  [/var ENVIRONMENT_IS_WORKER=[^;]*;/, 'var ENVIRONMENT_IS_WORKER=false;'],
  [/var ENVIRONMENT_IS_NODE=[^;]*;/, 'var ENVIRONMENT_IS_NODE=false;'],
  [/await import\('module'\)/, '{}'],
  [/var _scriptDir = .*;/, "var _scriptDir = '';"],
  [/createRequire\(\(typeof document === 'undefined'.*?document\.baseURI\)\.href\)\)\)/, "createRequire('')"],
  [/new URL\("\.\/",\(typeof document === 'undefined'.*?document\.baseURI\)\.href\)\)\)/, 'new URL("./","")'],
]

/**
 * @param {string} code
 * @param {readonly [RegExp, string]} change
 */
function replaced(code, [pattern, replacement]) {
  if (!pattern.test(code)) throw new Error(`@mlc-ai/web-xgrammar has changed: ${pattern} is not in it`)
  return code.replace(pattern, replacement)
}
