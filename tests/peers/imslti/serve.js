// A tool of LTI 1.1 on the package ims-lti that does what a test orders.
//
// POST /admin/register (key, secret) makes a consumer known; GET /admin/journal lists launches, done and refused;
// POST /admin/do with launch (its number), action (replace, read, delete), score and perhaps somebody else's sourcedid
// calls the outcome service and answers JSON of what happened.
'use strict'

const dns = require('dns')
const http = require('http')
const lti = require('ims-lti')

const keys = new Map()
const nonces = new Map()
const journal = []
const launches = new Map()

/** Let every *.localhost name mean this machine (RFC 6761 §6.3), as browsers do and many resolvers do not. */
function resolveLocalhostNames () {
  const system = dns.lookup
  dns.lookup = (name, ...rest) => system(/\.localhost$/.test(name) ? '127.0.0.1' : name, ...rest)
}

function body (request) {
  return new Promise((resolve, reject) => {
    let text = ''
    request.on('data', chunk => { text += chunk })
    request.on('end', () => resolve(text))
    request.on('error', reject)
  })
}

const escaped = text => String(text).replace(/[&<>"']/g, found => `&#${found.charCodeAt(0)};`)
const page = (words, form = '') => `<!doctype html><html lang=en><title>Tool</title><h1>${escaped(words)}</h1>${form}</html>`

/** The package's own verdict on a launch: an error, or the tool it made of it. */
function verified (request, params) {
  const key = params.oauth_consumer_key
  if (!keys.has(key)) return Promise.resolve([new Error(`unknown key ${key}`), null])
  if (!nonces.has(key)) nonces.set(key, new lti.Stores.MemoryStore(key))
  const tool = new lti.Provider(key, keys.get(key), nonces.get(key))
  return new Promise(resolve => tool.valid_request(request, params, (error, valid) => resolve([valid ? null : error, tool])))
}

async function launch (request) {
  const params = Object.fromEntries(new URLSearchParams(await body(request)))
  const number = journal.length + 1
  const [error, tool] = await verified(request, params)
  journal.push({ number, error: error ? error.message : '', params })
  if (error) return [400, page(`Refused: ${error.message}`)]
  launches.set(number, tool)
  const form = `<form method=post action=/works/${number}><input name=score type=number step=any aria-label="Points out of 1"><button>Hand in</button></form>`
  return [200, page(`${params.lis_person_name_full || 'Somebody'} in ${params.resource_link_title}`, form)]
}

/** What the consumer said to an outcome, as the package understood it. */
function done (order) {
  const tool = launches.get(order.launch || Math.max(...launches.keys()))
  if (!tool.outcome_service) return Promise.resolve({ ok: false, error: 'the launch named no outcome service' })
  const service = new lti.OutcomeService({
    consumer_key: tool.consumer_key,
    consumer_secret: order.secret || tool.consumer_secret,
    service_url: order.service_url || tool.outcome_service.service_url,
    source_did: order.sourcedid || tool.outcome_service.source_did,
    language: tool.outcome_service.language
  })
  return new Promise(resolve => {
    const came = (error, value) => resolve(error ? { ok: false, error: error.message } : { ok: true, value })
    if (order.action === 'replace') service.send_replace_result(Number(order.score), came)
    else if (order.action === 'read') service.send_read_result(came)
    else service.send_delete_result(came)
  })
}

async function answer (request) {
  const path = new URL(request.url, 'http://tool').pathname
  if (path === '/launch' && request.method === 'POST') return launch(request)
  if (path.startsWith('/works/')) {
    const score = new URLSearchParams(await body(request)).get('score')
    const came = await done({ launch: Number(path.slice('/works/'.length)), action: 'replace', score })
    return [200, page(came.ok ? 'Handed in' : `Not taken: ${came.error}`)]
  }
  if (path === '/admin/register') {
    const told = JSON.parse(await body(request))
    keys.set(told.key, told.secret)
    return [200, { registered: told.key }]
  }
  if (path === '/admin/journal') return [200, journal]
  if (path === '/admin/do') return [200, await done(JSON.parse(await body(request)))]
  return path === '/health' ? [200, 'ok'] : [404, 'not here']
}

function main () {
  const port = Number(process.argv[process.argv.indexOf('--port') + 1] || 0)
  resolveLocalhostNames()
  const server = http.createServer(async (request, response) => {
    let [status, said] = [500, '']
    try {
      [status, said] = await answer(request)
    } catch (error) {
      console.error(error)
      said = error.message
    }
    const json = typeof said !== 'string'
    response.writeHead(status, { 'Content-Type': json ? 'application/json' : 'text/html; charset=utf-8' })
    response.end(json ? JSON.stringify(said) : said)
  })
  server.listen(port, '127.0.0.1', () => console.log(`READY http://127.0.0.1:${server.address().port}`))
  process.on('SIGTERM', () => process.exit(0))
}

main()
