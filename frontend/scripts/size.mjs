/**
 * Holds each export to its budget: what an app's bundler makes of it, minified and gzipped.
 *
 * The React part is measured without the core and without React, which a page has once anyway.
 * What is imported later counts apart: no page waits for it.
 */
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const BUDGETS = [
  { file: 'index.js', bytes: 7.25 * 1024, external: [] },
  { file: 'react.js', bytes: 2 * 1024, external: [/^react/, /^\.\//] },
]

async function chunksOf(file, external) {
  const input = new URL(`../dist/${file}`, import.meta.url).pathname
  const bundle = await rolldown({ input, external, logLevel: 'silent' })
  const { output } = await bundle.generate({ minify: true })
  await bundle.close()
  return output
}

const sizeOf = (chunks) =>
  chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)

for (const { file, bytes, external } of BUDGETS) {
  const chunks = await chunksOf(file, external)
  const size = sizeOf(chunks.filter(({ isDynamicEntry }) => !isDynamicEntry))
  const later = sizeOf(chunks.filter(({ isDynamicEntry }) => isDynamicEntry))
  process.stdout.write(`${file}: ${size} of ${bytes} bytes gzipped, and ${later} later\n`)
  if (size > bytes) process.exitCode = 1
}
