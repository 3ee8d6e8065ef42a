/**
 * Third parties that make keys. `words` are the words of variables that name them (`AZURE_OPENAI_API_KEY` is Azure's: the first
 * word decides), `token` the beginning by which a key is certainly theirs.
 */
const PROVIDERS: readonly { readonly name: string; readonly words: readonly string[]; readonly token?: RegExp }[] = [
  { name: 'Algolia', words: ['ALGOLIA'] },
  { name: 'Amazon Web Services', words: ['AWS', 'AMAZON'], token: /^A(?:KIA|SIA)[0-9A-Z]{16}$/ },
  { name: 'Anthropic', words: ['ANTHROPIC', 'CLAUDE'], token: /^sk-ant-/ },
  { name: 'Auth0', words: ['AUTH0'] },
  { name: 'Azure', words: ['AZURE', 'ENTRA'] },
  { name: 'Clerk', words: ['CLERK'] },
  { name: 'Cloudflare', words: ['CLOUDFLARE', 'CF', 'R2'] },
  { name: 'Cohere', words: ['COHERE'] },
  { name: 'Databricks', words: ['DATABRICKS'], token: /^dapi[0-9a-f]{32}/ },
  { name: 'Datadog', words: ['DATADOG', 'DD'] },
  { name: 'DeepSeek', words: ['DEEPSEEK'] },
  { name: 'DigitalOcean', words: ['DIGITALOCEAN', 'DO'], token: /^do[opr]_v1_/ },
  { name: 'Discord', words: ['DISCORD'] },
  { name: 'Docker Hub', words: ['DOCKERHUB'], token: /^dckr_pat_/ },
  { name: 'Facebook', words: ['FACEBOOK', 'INSTAGRAM', 'WHATSAPP'] },
  { name: 'GitHub', words: ['GITHUB', 'GH'], token: /^(?:gh[pousr]_|github_pat_)/ },
  { name: 'GitLab', words: ['GITLAB'], token: /^glpat-/ },
  { name: 'Google', words: ['GOOGLE', 'GCP', 'GCLOUD', 'FIREBASE', 'GEMINI'], token: /^(?:AIza|GOCSPX-)/ },
  { name: 'Groq', words: ['GROQ'], token: /^gsk_/ },
  { name: 'Heroku', words: ['HEROKU'] },
  { name: 'Hugging Face', words: ['HUGGINGFACE', 'HF'], token: /^hf_[A-Za-z]/ },
  { name: 'LinkedIn', words: ['LINKEDIN'] },
  { name: 'Mailgun', words: ['MAILGUN'] },
  { name: 'Mapbox', words: ['MAPBOX'] },
  { name: 'Mistral', words: ['MISTRAL'] },
  { name: 'Neon', words: ['NEON'] },
  { name: 'New Relic', words: ['NEWRELIC', 'RELIC'], token: /^NRAK-/ },
  { name: 'Notion', words: ['NOTION'] },
  { name: 'npm', words: ['NPM'], token: /^npm_/ },
  { name: 'Okta', words: ['OKTA'] },
  { name: 'OpenAI', words: ['OPENAI'], token: /^sk-(?:proj|svcacct|admin)-/ },
  { name: 'OpenRouter', words: ['OPENROUTER'], token: /^sk-or-/ },
  { name: 'PayPal', words: ['PAYPAL', 'BRAINTREE'] },
  { name: 'Pinecone', words: ['PINECONE'] },
  { name: 'Plaid', words: ['PLAID'] },
  { name: 'PostHog', words: ['POSTHOG'] },
  { name: 'Postmark', words: ['POSTMARK'] },
  { name: 'Replicate', words: ['REPLICATE'], token: /^r8_/ },
  { name: 'Resend', words: ['RESEND'], token: /^re_[A-Za-z0-9]{8,}_/ },
  { name: 'SendGrid', words: ['SENDGRID'], token: /^SG\.[\w-]{16,}\./ },
  { name: 'Sentry', words: ['SENTRY'], token: /^sntry[su]_/ },
  { name: 'Shopify', words: ['SHOPIFY'], token: /^shp(?:at|ca|pa|ss)_/ },
  { name: 'Slack', words: ['SLACK'], token: /^(?:xox[abeprs]-|https:\/\/hooks\.slack\.com\/)/ },
  { name: 'Snowflake', words: ['SNOWFLAKE'] },
  { name: 'Stripe', words: ['STRIPE'], token: /^(?:[rs]k_(?:live|test)_|whsec_)/ },
  { name: 'Supabase', words: ['SUPABASE'], token: /^sb(?:p|_secret)_/ },
  { name: 'Telegram', words: ['TELEGRAM', 'TG'], token: /^\d{8,10}:AA[\w-]{33}$/ },
  { name: 'Twilio', words: ['TWILIO'] },
  { name: 'Twitter', words: ['TWITTER'] },
  { name: 'Upstash', words: ['UPSTASH'] },
  { name: 'Vercel', words: ['VERCEL'] },
  { name: 'xAI', words: ['XAI', 'GROK'], token: /^xai-/ },
]

/** The third party that the words of a variable's name speak of, by the first word that is one's; undefined when none is. */
export function providerNamed(words: readonly string[]): string | undefined {
  for (const word of words) {
    const provider = PROVIDERS.find((each) => each.words.includes(word))
    if (provider !== undefined) return provider.name
  }
  return undefined
}

/** The third party that a value with this beginning is certainly of; undefined when that is not certain. */
export function providerOfToken(value: string): string | undefined {
  return PROVIDERS.find(({ token }) => token?.test(value) === true)?.name
}
