import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { type Answer, done, type Evidence, label, refused } from '../../kit/answer.ts'
import { type HttpRequest, request } from '../../outside/http/index.ts'

/** One series at the moment of the query. */
export interface Sample {
  /** A checksum of its labels: the same series has the same, and nothing of the labels shows. Empty for a scalar. */
  readonly series: string
  /** May be not a number, or infinite. */
  readonly value: number
}

export interface Result {
  readonly samples: readonly Sample[]
  /** The moment for which it was computed, by the server's clock, in seconds since 1970 as it gave them; absent without samples. */
  readonly at?: number
  readonly warnings: number
}

/** Nothing came that could be judged. */
export interface Unseen {
  readonly unseen: Evidence
}

const point = z.tuple([z.number(), z.string()])
const answerSchema = z.object({
  status: z.literal('success'),
  warnings: z.array(z.unknown()).default([]),
  data: z.union([
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: point.optional() })) }),
    z.object({ resultType: z.literal('scalar'), result: point }),
    z.object({ resultType: z.enum(['matrix', 'string']) }),
  ]),
})
const errorSchema = z.object({ status: z.literal('error'), errorType: z.string() })

/**
 * One instant query: `GET /api/v1/query`. What is no answer is `unseen`, with its status and the server's own word for it; a
 * query that the server cannot read, or that gives no numbers, is `refused` with MANIFEST_INVALID.
 */
export async function ask(base: string, parameters: Readonly<Record<string, string>>, headers: HttpRequest['headers'], signal: AbortSignal): Promise<Answer<Result | Unseen>> {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  const answer = await request({ method: 'GET', url: url.href, headers: { ...headers } }, { signal })
  if (answer.is === 'ask' || (answer.is === 'refused' && answer.code === 'MANIFEST_INVALID')) return answer
  if (answer.is !== 'done') return done({ unseen: { cause: answer.code } })
  const { status, text, complete } = answer.value
  if (!complete) return done({ unseen: { status, cause: 'length' } })
  const document = parse(text)
  const failure = errorSchema.safeParse(document)
  if (failure.success) {
    const evidence = { status, errorType: label(failure.data.errorType) }
    return failure.data.errorType === 'bad_data' ? refused('MANIFEST_INVALID', 'the server cannot read `query`', evidence) : done({ unseen: evidence })
  }
  const read = status === 200 ? answerSchema.safeParse(document) : undefined
  return read?.success === true ? reduce(read.data) : done({ unseen: { status, cause: 'no-answer' } })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reduce({ data, warnings }: z.infer<typeof answerSchema>): Answer<Result | Unseen> {
  if (data.resultType === 'scalar') {
    const [at, value] = data.result
    return done({ samples: [{ series: '', value: numberOf(value) }], at, warnings: warnings.length })
  }
  if (data.resultType !== 'vector') return refused('MANIFEST_INVALID', `\`query\` gives a ${data.resultType}, and a number or a vector is needed`)
  const samples: Sample[] = []
  for (const { metric, value } of data.result) {
    // A native histogram has no one value.
    if (value === undefined) return refused('MANIFEST_INVALID', '`query` gives a histogram, and a number or a vector is needed')
    samples.push({ series: checksum(metric), value: numberOf(value[1]) })
  }
  const at = data.result[0]?.value?.[0]
  return done({ samples, warnings: warnings.length, ...(at === undefined ? {} : { at }) })
}

/** As the API writes them: `NaN`, `+Inf` and `-Inf` beside what JavaScript reads too. */
function numberOf(text: string): number {
  const infinite = /^([+-]?)Inf$/.exec(text)
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity
  return text.trim() === '' ? Number.NaN : Number(text)
}

function checksum(metric: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1))
  return crc32(JSON.stringify(sorted)).toString(16).padStart(8, '0')
}
