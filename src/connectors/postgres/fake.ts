import { type FaultyTcp, startFaultyTcp, type Talk } from '../../testing/faulty-tcp.ts'

/** Its errors are SQLSTATEs. */
export type FaultyProxy = FaultyTcp<string>

/** In front of a real PostgreSQL: mishaps befall statements. https://www.postgresql.org/docs/current/protocol-message-formats.html */
export function faultyProxy(server: { readonly host: string; readonly port: number }): Promise<FaultyProxy> {
  return startFaultyTcp(server, () => ({ split: splitMessages, refuse: errorMessage }))
}

/** The first message of a connection (startup) has no type byte; a statement is a Query. */
function splitMessages(each: Parameters<Talk<string>['split']>[0]): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let started = false
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const head = started ? 1 : 0
      if (rest.length < head + 4) return
      const end = head + rest.readUInt32BE(head)
      if (rest.length < end) return
      const bytes = rest.subarray(0, end)
      each({ bytes, asks: bytes[0] === 0x51 ? bytes.toString('utf8', 5, bytes.length - 1) : undefined })
      started = true
      rest = rest.subarray(end)
    }
  }
}

/** ErrorResponse, then ReadyForQuery in a failed transaction. */
function errorMessage(sqlstate: string): Buffer {
  const fields = Buffer.from(`SERROR\0VERROR\0C${sqlstate}\0Mproduced by the test\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeUInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields, Buffer.from([0x5a, 0, 0, 0, 5, 0x45])])
}
