import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { urlSchema } from '../../outside/http/index.ts'

const PROOFS = ['put', 'get', 'list', 'delete'] as const

/** Where objects are: the server, the bucket and the place in it. */
const place = {
  endpoint: urlSchema.describe('The server: `https://minio.example:9000`. Its admin API is asked there.'),
  region: z.string().min(1).default('us-east-1').describe('The region that requests are signed for.'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a name of a bucket').describe('The bucket in which a credential is proven.'),
  prefix: z.string().regex(/^[\w./-]{0,200}$/, 'letters, digits, `.`, `/`, `_` and `-`').default('').describe('What the name of the object begins with that proves a credential and is taken away again.'),
  proof: z
    .array(z.enum(PROOFS))
    .min(1)
    .default([...PROOFS])
    .describe('What a credential has to be able to do. `list` alone leaves no trace in a bucket that keeps versions.'),
}

/** What stands under `issuer:` with `use: s3`: access keys of a MinIO user. */
export const issuerSchema = z.strictObject({
  ...place,
  nodes: z.array(urlSchema).default([]).describe('More addresses that accept the credential, each proven by itself: the nodes behind a load balancer.'),
  adminKey: z.string().min(1).meta({ reference: true }).describe('A reference to the access key id that manages access keys: `${env:MINIO_ADMIN_KEY}`.'),
  adminSecret: z.string().min(1).meta({ reference: true }).describe('A reference to its secret access key.'),
  user: z.string().min(1).max(128).describe('The user whose access keys they are; a new one has the rights of this user.'),
  name: z.string().regex(/^[A-Za-z][\w-]{0,31}$/, 'a letter, then letters, digits, `_` and `-`, at most 32').optional().describe('The name of the access keys that are meant, where the user has others too; all of the user when absent.'),
  slots: z.int().min(2).max(100).default(2).describe('How many may be there at once. The server has no limit; more than this are forgotten ones.'),
  strategy: z.literal('overlap').default('overlap').describe('A second access key beside the first.'),
})

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 's3',
  title: 'S3 (MinIO)',
  summary: 'Rotates the access keys of a MinIO user with an overlap, and proves each by putting, reading, listing and deleting an object.',
  links: [
    'https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html',
    'https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html',
    'https://min.io/docs/minio/linux/administration/identity-access-management/minio-user-management.html',
    'https://github.com/minio/madmin-go/blob/v3.0.109/user-commands.go',
  ],
  families: { issuer: issuerSchema },
  strategies: ['overlap'],
  fields: { accessKeyId: 'plain', secretAccessKey: 'secret' },
})
