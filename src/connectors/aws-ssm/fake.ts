import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** One parameter, as the service keeps it. */
export interface FakeParameter {
  readonly value: string
  readonly type: 'String' | 'SecureString'
  readonly version: number
  readonly attributes: Readonly<Record<string, string>>
}

export interface FakeParameterStore extends FaultyHttp {
  readonly parameters: Map<string, FakeParameter>
  /** What happens just before a write: somebody else is faster. Once. */
  readonly meanwhile: (() => void)[]
}

/**
 * A Parameter Store in this process, as far as the connector asks it. A write without a KeyId falls back to the account's own key, as
 * the service does. Signatures are not looked at.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 */
export async function startFakeParameterStore(): Promise<FakeParameterStore> {
  const parameters = new Map<string, FakeParameter>()
  const meanwhile: (() => void)[] = []
  const front = await startFaultyHttp({
    isEffect,
    answer: (asked) => {
      if (isEffect(asked)) meanwhile.pop()?.()
      return act(parameters, operationOf(asked), JSON.parse(asked.body.toString()) as Asked)
    },
  })
  return { ...front, parameters, meanwhile }
}

interface Asked extends Readonly<Record<string, unknown>> {
  readonly Name?: string
  readonly Value?: string
  readonly Overwrite?: boolean
  readonly ParameterFilters?: readonly { readonly Values: readonly string[] }[]
}

function operationOf({ headers }: Pick<HttpAsked, 'headers'>): string {
  return String(headers['x-amz-target']).replace('AmazonSSM.', '')
}

export function isEffect(asked: HttpAsked): boolean {
  return ['PutParameter', 'DeleteParameter'].includes(operationOf(asked))
}

function act(parameters: Map<string, FakeParameter>, operation: string, asked: Asked): HttpReply {
  const { Name = '', Value = '', Overwrite, ParameterFilters } = asked
  const found = parameters.get(Name)
  switch (operation) {
    case 'GetParameter':
      return found === undefined ? failure('ParameterNotFound') : success({ Parameter: { Name, Type: found.type, Value: found.value, Version: found.version } })
    case 'DescribeParameters': {
      const [name = ''] = ParameterFilters?.[0]?.Values ?? []
      const one = parameters.get(name)
      return success({ Parameters: one === undefined ? [] : [{ Name: name, Type: one.type, Version: one.version, Tier: 'Standard', ...one.attributes }] })
    }
    case 'PutParameter': {
      if (found !== undefined && Overwrite !== true) return failure('ParameterAlreadyExists')
      const version = (found?.version ?? 0) + 1
      const kept = Object.fromEntries(['Description', 'AllowedPattern', 'DataType'].flatMap((name) => (typeof asked[name] === 'string' ? [[name, asked[name]] as const] : [])))
      parameters.set(Name, { value: Value, type: 'SecureString', version, attributes: { ...kept, KeyId: typeof asked['KeyId'] === 'string' ? asked['KeyId'] : 'alias/aws/ssm' } })
      return success({ Version: version, Tier: 'Standard' })
    }
    case 'DeleteParameter':
      if (found === undefined) return failure('ParameterNotFound')
      parameters.delete(Name)
      return success({})
    default:
      return failure('InvalidAction')
  }
}

function success(body: object): HttpReply {
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) }
}

function failure(type: string): HttpReply {
  return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify({ __type: type, message: 'no' }) }
}
