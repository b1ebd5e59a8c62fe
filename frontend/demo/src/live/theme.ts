/** Light, dark, or as the system has it. */
import { useEffect, useState } from 'react'

export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'keyring-theme'

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => {
    const kept = localStorage.getItem(KEY)
    return kept === 'light' || kept === 'dark' ? kept : 'auto'
  })
  useEffect(() => {
    document.documentElement.dataset.theme = theme
    localStorage.setItem(KEY, theme)
  }, [theme])
  return [theme, setTheme]
}
