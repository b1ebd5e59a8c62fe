import { defineConfig } from 'vitest/config'

/**
 * Readable ES modules, one per export: the app's own bundler makes them small, and a stack
 * trace stays legible until then. scripts/size.mjs measures what such a bundler leaves.
 */
export default defineConfig({
  build: {
    target: 'es2022',
    minify: false,
    lib: {
      entry: {
        index: 'src/core/index.ts',
        react: 'src/react/index.ts',
        'shared-socket': 'src/shared-socket/index.ts',
      },
      formats: ['es'],
    },
    rolldownOptions: { external: [/^react($|\/)/], output: { topLevelVar: false } },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.{ts,tsx}'],
    maxWorkers: 2,
    restoreMocks: true,
    unstubGlobals: true,
  },
})
