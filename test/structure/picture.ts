import { dirname } from 'node:path';
import { cyclesIn, grouped } from './imports.ts';
import type { Imports } from './imports.ts';
import { isTest, layers, objectionTo, roomOf } from './layers.ts';

export const MARKERS = {
  begin: '<!-- picture of the rooms: make picture -->',
  end: '<!-- end of the picture -->',
} as const;

/** What is wrong with the imports: one that leads upwards or sideways, files or folders that import each other. */
export function faultsOf(imports: Imports): readonly string[] {
  const back = [...imports].flatMap(([file, imported]) =>
    imported.flatMap((path) => {
      const objection = objectionTo(file, path);
      return objection === undefined ? [] : [`${file} imports ${path}: ${objection}`];
    }),
  );
  const files = cyclesIn(imports).map((cycle) => `these files import each other: ${cycle.join(', ')}`);
  const folders = cyclesIn(withoutParents(grouped(shipped(imports), dirname))).map(
    (cycle) => `these folders import each other: ${cycle.join(', ')}`,
  );
  return [...back, ...files, ...folders];
}

/** A folder's own files hold together what is in its folders, so these count as one there. */
function withoutParents(folders: Imports): Imports {
  const isWithin = (inner: string, outer: string): boolean => inner.startsWith(`${outer}/`);
  return new Map(
    [...folders].map(([from, to]) => [from, to.filter((one) => !isWithin(one, from) && !isWithin(from, one))]),
  );
}

function shipped(imports: Imports): Imports {
  return new Map([...imports].filter(([file]) => !isTest(file)));
}

/** The rooms and what they import, as a mermaid diagram; an arrow that follows from others is left out. */
export function pictureOf(imports: Imports): string {
  const arrows = reduced(grouped(shipped(imports), roomOf));
  const lines = layers.map((rooms, index) => {
    const boxes = rooms.map((room) => `    ${idOf(room)}["${room}"]`);
    return [`  subgraph layer${index}[" "]`, ...boxes, '  end'].join('\n');
  });
  const edges = [...arrows].flatMap(([from, to]) => to.map((one) => `  ${idOf(from)} --> ${idOf(one)}`));
  return ['```mermaid', 'flowchart TD', ...lines.toReversed(), ...edges, '```'].join('\n');
}

/** Without the arrows whose end is reached over another one as well. */
function reduced(graph: Imports): Imports {
  const reaches = (from: string, wanted: string): boolean =>
    (graph.get(from) ?? []).some((next) => next === wanted || reaches(next, wanted));
  return new Map(
    [...graph].map(([from, to]) => [
      from,
      to.filter((one) => !to.some((other) => other !== one && reaches(other, one))),
    ]),
  );
}

function idOf(room: string): string {
  return room.replaceAll(/[^a-z]+/gi, '_');
}
