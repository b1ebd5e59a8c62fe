import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/**
 * The demo imports the SDK by its public names, from the sources: `make dev` needs no package.
 *
 * `--mode e2e` builds React's development version into a folder of its own, since only that one
 * mounts everything twice under StrictMode, which the tests in a browser want.
 */
export default defineConfig(({ mode }) => {
  const isE2e = mode === 'e2e'
  return {
    base: './',
    resolve: {
      alias: [
        { find: /^fanwire$/, replacement: source('../src/core/index.ts') },
        { find: /^fanwire\/react$/, replacement: source('../src/react/index.ts') },
      ],
    },
    define: isE2e ? { 'process.env.NODE_ENV': '"development"' } : {},
    build: {
      target: 'es2022',
      outDir: isE2e ? 'dist-e2e' : 'dist',
      emptyOutDir: true,
      minify: !isE2e,
    },
  }
})
