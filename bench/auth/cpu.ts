import { readFile } from 'node:fs/promises';

/** CPU that a process has used so far, in milliseconds, by all its threads. */
export async function cpuMillis(pid: number): Promise<number> {
  // proc(5): utime and stime are the 14th and 15th field, in ticks of 10 ms; the 2nd, in parentheses, may hold blanks.
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  return (Number(stat[11]) + Number(stat[12])) * 10;
}
