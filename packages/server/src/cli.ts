#!/usr/bin/env node
/** The command `edgeward`: serves a folder of models, or packs one. */

const help = `edgeward [serve] --models <folder> [--port <number>]   answer requests for packed models (see: edgeward serve --help)
edgeward pack <recipe.json | folder | model.gguf> [--out <folder>]  make a model's manifest and files
`

async function main([command, ...rest]: readonly string[]): Promise<void> {
  switch (command) {
    case undefined:
    case '--help':
    case '-h':
      process.stdout.write(help)
      return
    case 'pack': {
      const { packCommand } = await import('./pack/pack-command.js')
      return packCommand(rest)
    }
    default: {
      const { serveCommand } = await import('./serve/serve-command.js')
      return serveCommand(command === 'serve' ? rest : [command, ...rest])
    }
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`edgeward: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
