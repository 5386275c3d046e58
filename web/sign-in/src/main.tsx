import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from './api.ts';
import { App } from './app.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('render the page: index.html has no #root');

const api = createApi((path, init) => fetch(path, init));

createRoot(root).render(
  <StrictMode>
    <App api={api} />
  </StrictMode>,
);
