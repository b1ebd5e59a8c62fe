/**
 * Holds each export to its budget: what an app's bundler makes of it, minified and gzipped.
 *
 * The React part is measured without the core and without React, which a page has once anyway.
 */
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const BUDGETS = [
  { file: 'index.js', bytes: 8.25 * 1024, external: [] },
  { file: 'react.js', bytes: 2 * 1024, external: [/^react/, /^\.\//] },
]

let isOver = false
for (const { file, bytes, external } of BUDGETS) {
  const { output } = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      lib: { entry: `dist/${file}`, formats: ['es'] },
      rolldownOptions: { external, output: { minify: true } },
    },
  }).then((results) => [results].flat()[0])
  const size = output.reduce((sum, { code = '' }) => sum + gzipSync(code, { level: 9 }).length, 0)
  isOver ||= size > bytes
  process.stdout.write(`${file.padEnd(10)} ${size} of ${bytes} bytes gzipped\n`)
}
process.exitCode = isOver ? 1 : 0
