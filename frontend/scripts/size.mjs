/**
 * Holds each export to its budget: what an app's bundler makes of it, minified and gzipped.
 *
 * Counted is what must be there before the socket opens. What is imported later is printed apart:
 * no page waits for it, and a page that never gets it connects, receives and resumes all the same.
 * The React part is measured without the core and without React, which a page has once anyway.
 */
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const BUDGETS = [
  { file: 'index.js', bytes: 6 * 1024, external: [] },
  { file: 'react.js', bytes: 2 * 1024, external: [/^react/, /^\.\//] },
]

async function chunksOf(file, external) {
  const input = new URL(`../dist/${file}`, import.meta.url).pathname
  // As in an app, where the code that two chunks share stays in the one that is there first.
  const preserveEntrySignatures = 'allow-extension'
  const bundle = await rolldown({ input, external, preserveEntrySignatures, logLevel: 'silent' })
  const { output } = await bundle.generate({ minify: true, comments: false })
  await bundle.close()
  return output
}

const sizeOf = (chunks) =>
  chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)

for (const { file, bytes, external } of BUDGETS) {
  const chunks = await chunksOf(file, external)
  const size = sizeOf(chunks.filter(({ isDynamicEntry }) => !isDynamicEntry))
  process.stdout.write(`${file}: ${size} of ${bytes} bytes gzipped\n`)
  for (const chunk of chunks.filter(({ isDynamicEntry }) => isDynamicEntry)) {
    process.stdout.write(`  and later ${chunk.name}: ${sizeOf([chunk])} bytes\n`)
  }
  if (size > bytes) process.exitCode = 1
}
