import type { Actor } from './present.ts';
import type { SessionPorts } from './grant.ts';

export async function signOut({ session }: Actor, ports: SessionPorts): Promise<void> {
  await ports.sessions.end(session.id, 'sign-out');
}

export async function signOutEverywhere({ user }: Actor, ports: SessionPorts): Promise<void> {
  await ports.users.endEverything(user.id);
}
