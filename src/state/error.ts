import { KeyturnError, reduceCause } from '../kit/error.ts'

/** A full disk or a locked database in keyturn's words; everything else as it is. PostgreSQL's errors come translated already. */
export function stateError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof KeyturnError) return thrown
  if ('code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT' || thrown.code === 'EROFS')) {
    return new KeyturnError('STATE_FULL', thrown.code === 'EROFS' ? 'the disk does not take it' : 'the disk is full', { cause: thrown })
  }
  if (/disk is full|disk I\/O error|readonly database|unable to open/.test(thrown.message)) {
    return new KeyturnError('STATE_FULL', thrown.message.includes('full') ? 'the disk is full' : 'the disk does not take it', { cause: thrown })
  }
  if (/database is locked|busy/.test(thrown.message)) return new KeyturnError('LOCKED', 'the state is being written by another run', { cause: thrown })
  return reduceCause(thrown).name === 'Error' ? new KeyturnError('INTERNAL', 'the state answered with an error', { cause: thrown }) : thrown
}
