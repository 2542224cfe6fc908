// Gotify: the messages, applications, clients and users of one user.
const PAGE_SIZE = 100, KEEP_PUSHES = 1000, SURE = 3000; // messages, messages, milliseconds
const CLIENT = 'Live page of Wirebell';
// The token, and the id of its client if this page created that.
let session = read('gotify'), me;
const apps = new Map();

/** Sends a request. A refusal is thrown with the server's description. */
async function call(method, path, body, headers = { 'X-Gotify-Key': session?.token }) {
  const isForm = body instanceof FormData;
  const options = { method, headers, cache: 'no-store', signal: AbortSignal.timeout(15000) };
  if (body && !isForm) options.headers = { ...headers, 'Content-Type': 'application/json' };
  if (body) options.body = isForm ? body : JSON.stringify(body);
  let answer, text;
  try {
    answer = await fetch(here(path), options);
    text = await answer.text();
  } catch (error) {
    throw Error(error.name === 'TimeoutError' ? 'The server does not answer.' : 'The server cannot be reached.');
  }
  let said;
  try { said = JSON.parse(text); } catch {}
  if (answer.ok) return said;
  if (answer.status === 401 && headers['X-Gotify-Key'] === session?.token) expelled();
  throw Object.assign(Error(sentence(said?.errorDescription || text || answer.statusText)), { status: answer.status });
}
const sentence = text => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** Runs a change, and shows why it failed. */
async function attempt(problem, change) {
  problem.textContent = '';
  try { await change(); } catch (error) { problem.textContent = error.message; }
}
function onSubmit(form, change) {
  const problem = $(form).querySelector('.problem, .answer');
  let isBusy = false;
  $(form).onsubmit = async e => {
    e.preventDefault();
    if (isBusy) return;
    isBusy = true;
    await attempt(problem, () => change(problem));
    isBusy = false;
  };
}
/** Makes a button act on its second click only. */
function sure(button, act) {
  const { textContent: text, ariaLabel: label } = button;
  const say = (text, label) => { button.textContent = text; button.ariaLabel = label; };
  let timer;
  const calm = () => { clearTimeout(timer); delete button.dataset.sure; say(text, label); };
  button.onblur = calm;
  button.onclick = () => {
    if (button.dataset.sure) { calm(); return act(); }
    button.dataset.sure = true;
    say('Sure?', `Sure? ${label ?? text}`);
    timer = setTimeout(calm, SURE);
  };
  return button;
}
function quiet(text, label, onclick) {
  return Object.assign(make('button', '', text), { type: 'button', ariaLabel: label, onclick });
}
function chip(text, tone) {
  const it = make('span', 'chip', text);
  if (tone) it.dataset.tone = tone;
  return it;
}

// The log-in.
const basic = (name, pass) => `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${name}:${pass}`)))}`;

onSubmit('login-form', async problem => {
  const [name, pass, token] = ['login-name', 'login-pass', 'login-token'].map(id => $(id).value);
  if (!token.trim() && !name) throw Error('Enter a name and a password, or a client token.');
  try {
    if (token.trim()) {
      await call('GET', 'current/user', undefined, { 'X-Gotify-Key': token.trim() });
      logIn({ token: token.trim() });
    } else {
      const made = await call('POST', 'client', { name: CLIENT }, { Authorization: basic(name, pass) });
      logIn({ token: made.token, client: made.id });
    }
  } catch (error) {
    if (error.status !== 401) throw error;
    throw Error(token.trim() ? 'The server does not know this client token.' : 'Wrong name or password.');
  }
});
function logIn(made) {
  session = made;
  keep('gotify', session);
  for (const id of ['login-pass', 'login-token']) $(id).value = '';
  reveal('show-pass', 'login-pass', false, 'password');
  reveal('show-token', 'login-token', false, 'client token');
  again();
  $('inbox-app').focus();
}
/** Ends the session, and clears everything it showed. */
function leave(text) {
  session = me = undefined;
  keep('gotify', null);
  apps.clear();
  emptyInbox();
  edit();
  for (const id of ['apps', 'clients', 'users', 'app-made', 'client-made']) $(id).replaceChildren();
  for (const id of ['app-made', 'client-made']) $(id).hidden = true;
  for (const it of document.querySelectorAll('.inside :is(.problem, .answer)')) it.textContent = '';
  for (const it of document.querySelectorAll('.inside form')) it.reset();
  for (const it of document.querySelectorAll('details')) it.open = false;
  showUser();
  $('login-form').querySelector('.problem').textContent = text;
  if (dialect !== gotify) return;
  stop('', '', 'Closed');
  $('login-name').focus();
}
function expelled() {
  if (session) leave('This client is no longer known to the server: log in again.');
}
async function logOut() {
  const old = session;
  drop();
  // A pasted token belongs to a client that may be in use elsewhere.
  if (old.client) await call('DELETE', `client/${old.client}`).catch(() => {});
  if (session === old) leave('');
}
function showUser() {
  const { dataset } = document.body;
  if (session) dataset.user = me?.name ?? ''; else delete dataset.user;
  if (me?.admin) dataset.admin = ''; else delete dataset.admin;
  put('log-out', me ? `Log out ${me.name}` : 'Log out');
}
$('show-pass').onclick = () => reveal('show-pass', 'login-pass', $('login-pass').type === 'password', 'password');
$('show-token').onclick = () => reveal('show-token', 'login-token', $('login-token').type === 'password', 'client token');

// The connection. /stream has only new messages, so each one begins by reading what was missed.
const gotify = {
  get path() { return `stream?token=${encodeURIComponent(session.token)}`; },
  protocols: [],
  missing() {
    showUser();
    return session ? '' : 'Log in';
  },
  opened() {
    show('connecting', 'Catching up');
    if (isWhole) known = newestId();
    isWhole = false;
    refresh();
  },
  message(text) { arrived(JSON.parse(text)); },
  lost() {
    turn++;
    // A browser does not tell why a WebSocket was refused: find out whether the token was.
    call('GET', 'current/user').catch(() => {});
  },
};
async function refresh() {
  const ws = socket;
  try {
    me = await call('GET', 'current/user');
    showUser();
    await Promise.all([listApps(), listClients(), listUsers()]);
    await catchUp();
    if (ws === socket && isOpen()) show('open', 'Live');
  } catch (error) {
    if (ws && ws === socket) ended(1006, error.message);
  }
}

// The messages, newest first. `pushes` has each one shown, with its element, by its id; `gone` has the
// ids of those deleted here. Up to `known` none is missing; once the list `isWhole`, none at all. An
// answer that belongs to an earlier turn is discarded.
const pushes = new Map(), gone = new Set();
let turn = 0, room = KEEP_PUSHES, known = 0, isWhole = false, loading = false, listing;
const inbox = $('inbox'), ids = () => [...pushes.keys()];
const newestId = () => Number(inbox.firstChild?.dataset.id ?? 0), oldestId = () => Number(inbox.lastChild?.dataset.id ?? 0);

const pageOf = since => {
  const app = $('inbox-app').value;
  return call('GET', `${app ? `application/${app}/` : ''}message?limit=${PAGE_SIZE}&since=${since}`);
};
/** Reads pages back to what is known, and removes what the server no longer has. */
async function catchUp() {
  const mine = ++turn, found = new Set();
  let since = 0, page;
  do {
    page = await pageOf(since);
    if (mine !== turn) return;
    for (const it of page.messages) { found.add(it.id); place(it); }
    since = page.paging.next ? page.messages.at(-1).id : 0;
  } while (known && since > known);
  const isStale = id => known ? id <= known && id >= since && !found.has(id) : id < since;
  ids().filter(isStale).forEach(remove);
  if (!since || !known) offerOlder(since);
  isWhole = true;
  trim();
}
async function reload() {
  emptyInbox();
  await catchUp();
}
function arrived(it) {
  const app = $('inbox-app').value;
  if (!apps.has(it.appid)) listing ??= listApps().catch(() => {}).finally(() => { listing = undefined; });
  if (app && it.appid !== +app) return;
  place(it, true);
  trim();
  if (document.hidden) { unseen++; count(); }
}
/** Puts a message where its id belongs, once. */
function place(it, isFresh) {
  if (pushes.has(it.id) || gone.has(it.id)) return;
  const li = pushItem(it);
  if (isFresh) li.classList.add('new');
  const isNewest = it.id > newestId(), isOldest = it.id < oldestId();
  pushes.set(it.id, { it, li });
  if (isNewest) inbox.prepend(li);
  else if (isOldest) inbox.append(li);
  else [...inbox.children].find(other => +other.dataset.id < it.id).before(li);
  countInbox();
}
function remove(id) {
  pushes.get(id)?.li.remove();
  pushes.delete(id);
  countInbox();
}
function trim() {
  while (pushes.size > room) {
    remove(oldestId());
    offerOlder(true);
  }
}
function emptyInbox() {
  turn++;
  known = 0;
  isWhole = false;
  pushes.clear();
  gone.clear();
  inbox.replaceChildren();
  room = KEEP_PUSHES;
  offerOlder(false);
}
function offerOlder(isThere) {
  $('older').hidden = !isThere;
  countInbox();
}
function countInbox() {
  put('inbox-count', pushes.size ? `${number(pushes.size)}${$('older').hidden ? '' : ' shown'}` : '');
  $('inbox-empty').hidden = pushes.size;
  $('inbox-delete').hidden = !pushes.size;
}
$('older').onclick = async () => {
  const mine = turn;
  if (loading) return;
  loading = true;
  await attempt($('inbox-problem'), async () => {
    const page = await pageOf(oldestId());
    if (mine !== turn) return;
    room += page.messages.length;
    page.messages.forEach(it => place(it));
    offerOlder(page.paging.next);
  });
  loading = false;
};
$('inbox-app').onchange = () => { turn++; attempt($('inbox-problem'), reload); };
sure($('inbox-delete'), () => attempt($('inbox-problem'), async () => {
  const app = $('inbox-app').value;
  await call('DELETE', app ? `application/${app}/message` : 'message');
  await reload();
}));
function deletePush(id) {
  attempt($('inbox-problem'), async () => {
    await call('DELETE', `message/${id}`).catch(error => { if (error.status !== 404) throw error; });
    const next = pushes.get(id)?.li.nextSibling?.querySelector('button') ?? inbox.parentElement;
    gone.add(id);
    remove(id);
    next.focus();
  });
}

// One message.
const nameOf = appid => apps.get(appid)?.name ?? `Application ${appid}`;
function pushItem(it) {
  const li = make('li', 'message push', ''), about = make('div', 'about', ''), body = make('div', 'text', '');
  const title = it.title || nameOf(it.appid), time = make('time', '', '');
  const date = new Date(it.date);
  Object.assign(time, { dateTime: it.date, title: date.toLocaleString(), textContent: ago(date) });
  about.append(make('b', '', nameOf(it.appid)), time);
  if (it.priority) about.append(chip(`priority ${it.priority}`, it.priority > 7 ? 'bad' : it.priority > 3 ? 'warn' : ''));
  if (it.extras?.['client::display']?.contentType === 'text/markdown') about.append(chip('Markdown'));
  payload(body, { text: it.message });
  if (it.message.length > 500) body.tabIndex = 0;
  const link = linkOf(it.extras?.['client::notification']?.click?.url);
  const button = sure(quiet('Delete', `Delete ${title}`), () => deletePush(it.id));
  li.dataset.id = it.id;
  li.append(face(apps.get(it.appid)), make('b', '', title), button, about, body, ...link ? [link] : []);
  return li;
}
/** A link to a page; nothing for addresses of another kind. */
function linkOf(address) {
  let url;
  try { url = new URL(address); } catch { return; }
  if (!/^https?:$/.test(url.protocol)) return;
  const link = make('a', 'text', url.href);
  return Object.assign(link, { href: url.href, target: '_blank', rel: 'noopener noreferrer' });
}
function face(app) {
  return Object.assign(make('img', 'face', ''), { alt: '', src: here(app?.image ?? 'static/defaultapp.png').href });
}
function ago(date) {
  const seconds = (Date.now() - date) / 1000;
  if (seconds < 60) return 'just now';
  return seconds < 604800 ? `${span(seconds).replace(/( h| d) .*/, '$1')} ago` : date.toLocaleDateString();
}
setInterval(() => {
  for (const time of inbox.querySelectorAll('time')) time.textContent = ago(new Date(time.dateTime));
}, 30000);

// Lists. The focus stays on the same button of the same item.
function fillList(id, things, row) {
  const list = $(id), at = document.activeElement, before = list.contains(at) && [at.closest('li')?.dataset.id, at.textContent];
  list.replaceChildren(...things.map(it => {
    const li = make('li', '', '');
    li.dataset.id = it.id;
    li.append(...row(it));
    return li;
  }));
  put(`${id}-count`, number(things.length));
  if (!before) return;
  const same = [...list.querySelectorAll('button')].find(b => b.closest('li').dataset.id === before[0] && b.textContent === before[1]);
  (same ?? list).focus();
}
function what(name, detail, ...chips) {
  const it = make('div', 'what', ''), b = make('b', '', ''), small = make('small', '', detail);
  b.title = name;
  b.append(make('span', '', name), ...chips);
  small.title = detail;
  it.append(b, small);
  return it;
}
/** A button that deletes an item, and then refreshes its list. */
function deleting(kind, it, after) {
  return sure(quiet('Delete', `Delete ${it.name}`), () => attempt($(`${kind}s-problem`), async () => {
    await call('DELETE', `${kind === 'app' ? 'application' : kind}/${it.id}`);
    $(`${kind}s`).focus();
    await after(it);
  }));
}
/** Shows a new token, and a line that uses it. */
function made(id, text, token, line) {
  const box = $(id), head = make('div', 'row', ''), end = make('div', 'row', '');
  const copier = (name, label, text) => {
    const button = quiet('Copy', label, () => copy(`${id}-${name}`, text));
    return Object.assign(button, { id: `${id}-${name}` });
  };
  head.append(make('code', 'grow', token), copier('token', 'Copy the token', token));
  end.append(copier('line', 'Copy the curl command', line), quiet('Done', null, () => { box.hidden = true; }));
  box.replaceChildren(make('p', '', text), head, make('pre', '', line), end);
  box.hidden = false;
}

// Applications. One form creates and edits them.
let edited;
async function listApps() {
  const all = await call('GET', 'application');
  apps.clear();
  for (const app of all) apps.set(app.id, app);
  fillList('apps', all, appRow);
  options('inbox-app', all, 'All applications');
  options('send-app', all);
  $('send-fields').hidden = !all.length;
  $('send-none').hidden = all.length;
  for (const { it, li } of pushes.values()) renew(it, li);
  showSend();
}
function renew(it, li) {
  li.querySelector('.about b').textContent = nameOf(it.appid);
  const image = face(apps.get(it.appid));
  if (li.firstChild.src !== image.src) li.firstChild.src = image.src;
}
function options(id, all, first) {
  const select = $(id), chosen = select.value, option = (value, text) => new Option(text, value);
  select.replaceChildren(...first ? [option('', first)] : [], ...all.map(app => option(app.id, app.name)));
  select.value = apps.has(+chosen) ? chosen : select.options[0]?.value ?? '';
}
function appRow(app) {
  const detail = joined(`priority ${app.defaultPriority}`, app.description);
  const token = quiet('Token', `Copy the token of ${app.name}`, () => copy(token.id, app.token, 'Token'));
  token.id = `app-token-${app.id}`;
  const change = quiet('Edit', `Edit ${app.name}`, () => edit(app));
  const isLast = app.internal ? [] : [deleting('app', app, forgotten)];
  return [face(app), what(app.name, detail), token, change, ...isLast];
}
async function forgotten(app) {
  if (edited?.id === app.id) edit();
  $('app-made').hidden = true;
  await listApps();
  await reload();
}
/** Loads an application into the form, or empties it for a new one. */
function edit(app) {
  edited = app;
  put('app-form-title', app ? `Edit ${app.name}` : 'New application');
  put('app-save', app ? 'Save' : 'Create');
  $('app-name').value = app?.name ?? '';
  $('app-description').value = app?.description ?? '';
  $('app-priority').value = app?.defaultPriority ?? 5;
  $('app-image').value = '';
  $('app-cancel').hidden = !app;
  $('app-plain').hidden = !app || app.image.startsWith('static/');
  if (app) $('app-name').focus();
}
$('app-cancel').onclick = () => edit();
$('app-plain').onclick = () => attempt($('apps-problem'), async () => {
  await call('DELETE', `application/${edited.id}/image`);
  await listApps();
  edit(apps.get(edited.id));
});
onSubmit('app-form', async () => {
  const fields = { name: $('app-name').value, description: $('app-description').value, defaultPriority: +$('app-priority').value };
  const [image] = $('app-image').files, isNew = !edited;
  const app = await (edited ? call('PUT', `application/${edited.id}`, { sortKey: edited.sortKey, ...fields }) : call('POST', 'application', fields));
  if (isNew) madeApp(app);
  try {
    if (image) await setImage(app, image);
    edit();
  } finally {
    await listApps();
  }
  if (isNew) $('send-app').value = app.id;
  showSend();
});
function setImage(app, image) {
  const form = new FormData();
  form.append('file', image);
  return call('POST', `application/${app.id}/image`, form);
}
function madeApp({ name, token }) {
  const line = `curl ${word(here('message').href)} \\\n  -H ${word(`X-Gotify-Key: ${token}`)} \\\n  -F title=Hello -F 'message=It works'`;
  made('app-made', `${name} sends with this token:`, token, line);
}

// Clients.
async function listClients() {
  fillList('clients', await call('GET', 'client'), it => {
    const isThis = it.token === session.token;
    const last = it.lastUsed ? `used ${ago(new Date(it.lastUsed))}` : 'never used';
    return [what(it.name, last, ...isThis ? [chip('this page', 'good')] : []), deleting('client', it, isThis ? () => leave('') : listClients)];
  });
}
onSubmit('client-form', async () => {
  const { name, token } = await call('POST', 'client', { name: $('client-name').value });
  const line = `curl ${word(here('message?limit=10').href)} \\\n  -H ${word(`X-Gotify-Key: ${token}`)}`;
  made('client-made', `${name} reads with this token:`, token, line);
  $('client-name').value = '';
  await listClients();
});

// Users, for administrators.
async function listUsers() {
  if (!me.admin) return;
  fillList('users', await call('GET', 'user'), it => {
    const isThis = it.id === me.id, chips = [...it.admin ? [chip('administrator')] : [], ...isThis ? [chip('you', 'good')] : []];
    return [what(it.name, '', ...chips), ...isThis ? [] : [deleting('user', it, listUsers)]];
  });
}
onSubmit('user-form', async () => {
  await call('POST', 'user', { name: $('user-name').value, pass: $('user-pass').value, admin: $('user-admin').checked });
  $('user-form').reset();
  await listUsers();
});
onSubmit('pass-form', async problem => {
  await call('POST', 'current/user/password', { pass: $('pass-new').value });
  $('pass-form').reset();
  problem.dataset.ok = true;
  problem.textContent = 'Changed. Clients stay logged in.';
});
$('pass-form').oninput = () => { delete $('pass-form').querySelector('.problem').dataset.ok; };

// Sending, and the same with curl.
function sending() {
  const title = $('send-title').value, priority = $('send-priority').value;
  return { ...title && { title }, message: $('send-text').value, ...priority && { priority: +priority } };
}
function sendCurl(isShown) {
  const token = isShown ? '••••••' : apps.get(+$('send-app').value)?.token;
  const auth = `-H ${word(`X-Gotify-Key: ${token}`)}`;
  return `curl ${word(here('message').href)} \\\n  ${auth} \\\n  -H 'Content-Type: application/json' \\\n  -d ${word(plain(JSON.stringify(sending())))}`;
}
function showSend() {
  $('send-priority').placeholder = apps.get(+$('send-app').value)?.defaultPriority ?? '';
  put('curl-send', sendCurl(true));
}
$('send-form').oninput = showSend;
$('copy-send').onclick = () => copy('copy-send', sendCurl());
submitByKey('send-text', 'send-form');
onSubmit('send-form', async answer => {
  answer.dataset.ok = false;
  const { token } = apps.get(+$('send-app').value);
  const { id } = await call('POST', 'message', sending(), { 'X-Gotify-Key': token });
  answer.dataset.ok = true;
  answer.textContent = `Sent as ${id}`;
});

// The button of the mode, and the one to log out.
{
  const button = Object.assign(make('button', '', 'gotify'), { id: 'mode-gotify', type: 'button', ariaPressed: false });
  const out = Object.assign(make('button', 'gotify inside', 'Log out'), { id: 'log-out', type: 'button', onclick: logOut });
  document.querySelector('nav').append(button);
  document.querySelector('header').append(out);
  modes.gotify = gotify;
}
