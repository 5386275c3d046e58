/** What somebody may do beyond what every user may, in plain words; nothing for whoever is just a user. */
export function rolesText(roles: readonly string[]): string | undefined {
  const special = roles.filter((role) => role !== 'user').map((role) => names[role] ?? role);
  return special.length === 0 ? undefined : special.join(', ');
}

const names: Readonly<Record<string, string>> = { admin: 'Administrator' };
