import { readdir, readFile } from 'node:fs/promises';

/** CPU that a process has used so far, in milliseconds, by all its threads. */
export async function cpuMillis(pid: number): Promise<number> {
  // proc(5): utime and stime are the 14th and 15th field, in ticks of 10 ms; the 2nd, in parentheses, may hold blanks.
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  return (Number(stat[11]) + Number(stat[12])) * 10;
}

/** The same of its threads of that name alone; they must live as long as what is measured. Linux keeps 15 bytes of a name. */
export async function threadsCpuMillis(pid: number, name: string): Promise<number> {
  const tasks = `/proc/${pid}/task`;
  const used = (await readdir(tasks)).map(async (tid) => {
    const [comm, schedstat] = await Promise.all([
      readFile(`${tasks}/${tid}/comm`, 'utf8'),
      // sched-stats: the first number is the time on a CPU, in nanoseconds.
      readFile(`${tasks}/${tid}/schedstat`, 'utf8'),
    ]).catch(() => ['', '0'] as const);
    return comm.trim() === name ? Number(schedstat.split(' ', 1)[0]) / 1e6 : 0;
  });
  return (await Promise.all(used)).reduce((sum, each) => sum + each, 0);
}
