--- The plug-in's options, `vim.g.dgemma` over the defaults, and its switches.

local M = {}

---@alias dgemma.Key string|false False for no key.

---@class dgemma.Keys In Insert mode.
---@field accept dgemma.Key
---@field accept_word dgemma.Key
---@field accept_line dgemma.Key
---@field suggest dgemma.Key
---@field next dgemma.Key
---@field previous dgemma.Key
---@field dismiss dgemma.Key

---@class dgemma.NormalKeys In Normal mode; `rewrite` in Visual mode, too.
---@field rewrite dgemma.Key
---@field accept_edit dgemma.Key While an edit is suggested, as is the next.
---@field dismiss_edit dgemma.Key

---@class dgemma.Options
---@field cmd string[]? The server's command line; where it is nil the server is searched for.
---@field debounce_ms integer How long after the last key an automatic request is sent.
---@field keys dgemma.Keys
---@field normal_keys dgemma.NormalKeys
---@field review_keys table<dgemma.ReviewKey, dgemma.Key> In Normal mode, while a rewrite is on the screen.

---@type dgemma.Options
local defaults = {
  cmd = nil,
  debounce_ms = 100,
  keys = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    suggest = '<M-Bslash>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
  },
  normal_keys = {
    rewrite = 'grw',
    accept_edit = '<Tab>',
    dismiss_edit = '<Esc>',
  },
  review_keys = {
    accept_all = '<CR>',
    accept = 'y',
    reject = 'n',
    next = ']c',
    previous = '[c',
    next_candidate = '<Tab>',
    retry = 'r',
    cancel = '<Esc>',
  },
}

local KEYS = { 'keys', 'normal_keys', 'review_keys' }

--- What each option has to be, in words, and whether a value is.
---@type table<string, {[1]: string, [2]: fun(value: any): boolean}>
local KINDS = {
  cmd = {
    "a list such as { 'dgemma-lsp', '--stdio' }",
    function(value)
      return type(value) == 'table' and vim.islist(value) and type(value[1]) == 'string'
    end,
  },
  debounce_ms = {
    'a number of milliseconds',
    function(value)
      return type(value) == 'number' and value >= 0
    end,
  },
}
for _, group in ipairs(KEYS) do
  KINDS[group] = {
    'a table',
    function(value)
      return type(value) == 'table'
    end,
  }
end

---@param value any
---@return boolean
local function is_key(value)
  return value == false or type(value) == 'string'
end

---@return string[] problems What in `vim.g.dgemma` cannot be used, a line for each.
function M.problems()
  local given = vim.g.dgemma or {}
  if type(given) ~= 'table' then
    return { 'vim.g.dgemma is not a table' }
  end
  local problems = {} ---@type string[]
  for name, value in vim.spairs(given) do
    local kind = KINDS[name]
    if not kind then
      table.insert(problems, ('vim.g.dgemma.%s is no option'):format(name))
    elseif not kind[2](value) then
      table.insert(problems, ('vim.g.dgemma.%s is not %s'):format(name, kind[1]))
    end
  end
  for _, group in ipairs(KEYS) do
    for name, key in vim.spairs(type(given[group]) == 'table' and given[group] or {}) do
      if defaults[group][name] == nil then
        table.insert(problems, ('vim.g.dgemma.%s.%s is no option'):format(group, name))
      elseif not is_key(key) then
        local problem = ('vim.g.dgemma.%s.%s is neither a key nor false'):format(group, name)
        table.insert(problems, problem)
      end
    end
  end
  return problems
end

--- The options in force: what cannot be used of `vim.g.dgemma` has its default.
---@return dgemma.Options
function M.get()
  local given = type(vim.g.dgemma) == 'table' and vim.g.dgemma or {}
  local options = vim.deepcopy(defaults)
  for _, name in ipairs({ 'cmd', 'debounce_ms' }) do
    if KINDS[name][2](given[name]) then
      options[name] = given[name]
    end
  end
  for _, group in ipairs(KEYS) do
    for name, key in pairs(type(given[group]) == 'table' and given[group] or {}) do
      if options[group][name] ~= nil and is_key(key) then
        options[group][name] = key
      end
    end
  end
  return options
end

--- Whether a switch is on in a buffer: by its own variable, else by the global one; on where neither says.
---@param name 'dgemma_enabled'|'dgemma_edits'
---@param buf integer
---@return boolean
function M.is_on(name, buf)
  local own = vim.b[buf][name]
  if own == nil then
    own = vim.g[name]
  end
  return own ~= false
end

return M
