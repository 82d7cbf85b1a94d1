/** The demo is built as any web app would be: nothing here is needed to use Edgeward with Vite. */
import { defineConfig } from 'vite'
import { edgewardFiles } from './vite/edgeward-files.js'

export default defineConfig({
  appType: 'mpa',
  plugins: [edgewardFiles()],
})
