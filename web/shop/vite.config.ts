import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm run dev -w web/shop` finds the APIs and the sign-in page; `make address` prints it. */
const stack = 'http://localhost:8080';

export default defineConfig({
  // Below the address that the shop shares with the stack: see examples/gateway.yaml.
  base: '/shop/',
  plugins: [react()],
  build: {
    // The page's content security policy allows no inline script.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    // The sign-in page and the APIs.
    proxy: { '^/(?!shop/)': { target: stack, changeOrigin: true } },
  },
});
