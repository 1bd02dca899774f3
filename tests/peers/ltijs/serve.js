// A tool of LTI 1.3 on ltijs, its data in PostgreSQL through ltijs-sequelize, that does what a test orders.
//
// node serve.js --port 0 --postgres URL makes a database of its own beside URL's and drops it at the end.
// POST /admin/register (issuer, client_id, auth_url, token_url, jwks_url) makes a platform known; /register is ltijs' own
// Dynamic Registration; GET /admin/journal lists launches, done and refused; POST /admin/do with launch (its number) and
// action lets ltijs call the platform and answers JSON of what happened.
'use strict'

const dns = require('dns')
const http = require('http')
const { parseArgs } = require('util')
const pg = require('pg')
const lti = require('ltijs').Provider
const Database = require('ltijs-sequelize')

const KEY = 'the key of a peer in tests'
const journal = []
const launches = new Map()

/** Let every *.localhost name mean this machine (RFC 6761 §6.3), as browsers do and many resolvers do not. */
function resolveLocalhostNames () {
  const system = dns.lookup
  dns.lookup = (name, ...rest) => system(/\.localhost$/.test(name) ? '127.0.0.1' : name, ...rest)
}

const escaped = text => String(text).replace(/[&<>"']/g, found => `&#${found.charCodeAt(0)};`)
const page = (words, form = '') => `<!doctype html><html lang=en><title>Tool</title><h1>${escaped(words)}</h1>${form}</html>`

/** Every action is one call of ltijs; the line item is the launch's own unless the order names another. */
const actions = {
  async score (token, order) {
    const score = {
      userId: order.user || token.user,
      activityProgress: order.activity_progress || 'Completed',
      gradingProgress: order.grading_progress || 'FullyGraded'
    }
    if ('given' in order) Object.assign(score, { scoreGiven: order.given, scoreMaximum: order.maximum || 100 })
    if (order.comment) score.comment = order.comment
    if (order.timestamp) score.timestamp = order.timestamp
    return lti.Grade.submitScore(token, order.line_item || token.platformContext.endpoint.lineitem, score)
  },
  column: (token, order) => lti.Grade.createLineItem(
    token,
    { label: order.label, tag: order.tag, scoreMaximum: order.maximum || 100, resourceId: order.resource_id },
    { resourceLinkId: Boolean(order.in_link) }
  ),
  columns: async token => (await lti.Grade.getLineItems(token)).lineItems,
  read_column: (token, order) => lti.Grade.getLineItemById(token, order.line_item || token.platformContext.endpoint.lineitem),
  results: async (token, order) =>
    (await lti.Grade.getScores(token, order.line_item || token.platformContext.endpoint.lineitem)).scores,
  members: async token => (await lti.NamesAndRoles.getMembers(token)).members,
  /** The signed answer of Deep Linking; items have url, title, custom, tag and maximum. */
  async choice (token, order) {
    const items = order.items.map(item => {
      const made = { type: 'ltiResourceLink', title: item.title }
      if (item.url) made.url = item.url
      if (item.custom) made.custom = item.custom
      if (item.maximum !== undefined) made.lineItem = { scoreMaximum: item.maximum, label: item.title, tag: item.tag }
      return made
    })
    const messages = { message: order.message, errMessage: order.error }
    return {
      url: token.platformContext.deepLinkingSettings.deep_link_return_url,
      JWT: await lti.DeepLinking.createDeepLinkingMessage(token, items, messages),
      form: await lti.DeepLinking.createDeepLinkingForm(token, items, messages)
    }
  }
}

/** What came of an order: ok with value, or the platform's status and words. */
async function done (order) {
  try {
    return { ok: true, value: await actions[order.action](launches.get(order.launch || Math.max(...launches.keys())), order) }
  } catch (error) {
    const answer = error.response
    return { ok: false, status: answer ? answer.statusCode : null, error: answer ? String(answer.body) : error.message }
  }
}

/** Where tests give orders: before ltijs asks for a session. */
function controls (app) {
  app.get('/health', (request, response) => response.send('ok'))
  app.get('/admin/journal', (request, response) => response.json(journal))
  app.post('/admin/do', async (request, response) => response.json(await done(request.body)))
  app.post('/admin/register', async (request, response) => {
    const told = request.body
    const platform = await lti.registerPlatform({
      url: told.issuer,
      name: told.client_id,
      clientId: told.client_id,
      authenticationEndpoint: told.auth_url,
      accesstokenEndpoint: told.token_url,
      authConfig: { method: 'JWK_SET', key: told.jwks_url }
    })
    response.json({ registered: await platform.platformClientId() })
  })
  app.post('/works/:number', async (request, response) => {
    const order = { launch: Number(request.params.number), action: 'score', given: Number(request.body.given) }
    const came = await done(order)
    response.send(page(came.ok ? 'Handed in' : `Not taken: ${came.status} ${came.error}`))
  })
  app.post('/choices/:number', async (request, response) => {
    const count = { one: 1, several: 3 }[request.body.choice] || 0
    const items = Array.from({ length: count }, (_, n) => (
      { title: `Chapter ${n + 1}`, custom: { chapter: String(n + 1) }, maximum: 80, tag: `chapter-${n + 1}` }
    ))
    const came = await done({ launch: Number(request.params.number), action: 'choice', items })
    response.send(came.ok ? came.value.form : page(`Not sent: ${came.error}`))
  })
}

/** Note a launch that ltijs believes; return its number. */
function note (token) {
  const number = journal.length + 1
  launches.set(number, token)
  journal.push({ number, error: '', claims: token })
  return number
}

function refused (request, response) {
  const error = response.locals.err.details.message
  journal.push({ number: journal.length + 1, error })
  response.status(401).send(page(`Refused: ${error}`))
}

async function main () {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, postgres: { type: 'string' } } })
  resolveLocalhostNames()
  const server = http.createServer((request, response) => lti.app(request, response))
  await new Promise(resolve => server.listen(Number(values.port), '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`

  const administrator = new pg.Client({ connectionString: values.postgres })
  await administrator.connect()
  const name = `ltijs_${process.pid}_${Date.now()}`
  await administrator.query(`CREATE DATABASE ${name}`)
  const there = new URL(values.postgres)
  const plugin = new Database(name, there.username, there.password, {
    host: there.hostname, port: Number(there.port), dialect: 'postgres', logging: false
  })

  lti.setup(KEY, { plugin }, {
    devMode: true, // state cookies would need https
    serverAddon: controls,
    dynReg: { url, name: 'ltijs', autoActivate: true }
  })
  lti.onConnect((token, request, response) => {
    const number = note(token)
    const form = `<form method=post action=/works/${number}><input name=given type=number step=any aria-label="Points out of 100"><button>Hand in</button></form>`
    response.send(page(`${token.userInfo.name || 'Somebody'} in ${token.platformContext.resource.title}`, form))
  })
  lti.onDeepLinking((token, request, response) => {
    const buttons = ['one', 'several', 'none'].map(each => `<button name=choice value=${each}>${each}</button>`).join('')
    response.send(page('Choose content', `<form method=post action=/choices/${note(token)}>${buttons}</form>`))
  })
  lti.onInvalidToken(refused)
  lti.onSessionTimeout(refused)
  await lti.deploy({ serverless: true, silent: true })

  process.on('SIGTERM', async () => {
    server.close()
    await plugin.Close()
    await administrator.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(() => {})
    await administrator.end()
    process.exit(0)
  })
  console.log(`READY ${url}`)
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
