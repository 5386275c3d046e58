import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm run dev -w web/sign-in` finds the APIs; `make address` prints it. */
const stack = 'http://localhost:8080';

export default defineConfig({
  plugins: [react()],
  build: {
    // The page's content security policy allows no inline script.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    proxy: { '/api': { target: stack, changeOrigin: true } },
  },
});
