/** The name in Vault's metadata under which the attempt that made a secret id or a token stands. */
export const TAG = 'keyturn'
