--- The client `dgemma_copilot`, for plug-ins that show the edits of Copilot's language server.
---
--- It runs no process: what such a plug-in asks of it, it asks of the client `dgemma`. So there is one server, which
--- follows each buffer once, and knows of one history of changes and rejections.

local clients = require('dgemma.client')

local M = {}

local EDIT, COMMAND = 'textDocument/copilotInlineEdit', 'workspace/executeCommand'
local Errors = vim.lsp.protocol.ErrorCodes

--- Calls back with the client `dgemma` of a buffer, once there is one.
---@param buf integer
---@param on_client fun(client: vim.lsp.Client)
function M.when_served(buf, on_client)
  local client = clients.of(buf)
  if client then
    on_client(client)
    return
  end
  vim.api.nvim_create_autocmd('LspAttach', {
    buf = buf,
    callback = function()
      client = clients.of(buf)
      if client then
        on_client(client)
      end
      return client ~= nil -- Then it is not called again.
    end,
  })
end

---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return lsp.InitializeResult
local function initialized(encoding)
  return {
    capabilities = {
      positionEncoding = encoding,
      textDocumentSync = { openClose = false, change = 0 },
      executeCommandProvider = { commands = { 'dgemma.editAccepted', 'dgemma.editRejected' } },
    },
  }
end

--- What Neovim talks to in place of a process.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@return vim.lsp.rpc.PublicClient
function M.start(dispatchers)
  local client = clients.all()[1]
  local last, closing = 0, false
  local passed = {} ---@type table<integer, fun()> What cancels a request of the plug-in.

  ---@param method string
  ---@param params table
  ---@param on_answer fun(err: lsp.ResponseError?, result: any)
  ---@return integer?
  local function pass_on(method, params, on_answer)
    local document = params.textDocument
    local buf = document and vim.uri_to_bufnr(document.uri)
    client = buf and clients.of(buf) or client
    local sent, id = false, nil ---@type boolean, integer?
    if client and not client:is_stopped() then
      ---@diagnostic disable-next-line: param-type-mismatch -- Neovim does not know Copilot's methods.
      sent, id = client:request(method, params, on_answer, buf)
    end
    if not sent then
      on_answer(nil, method == EDIT and { edits = {} } or vim.NIL)
    end
    return id
  end

  return {
    request = function(method, params, callback, on_reply)
      last = last + 1
      local this = last
      local function answer(err, result)
        passed[this] = nil
        callback(err, result, this)
        if on_reply then
          on_reply(this)
        end
      end
      if method == 'initialize' then
        answer(nil, initialized(client and client.offset_encoding or 'utf-16'))
      elseif method == 'shutdown' then
        answer(nil, vim.NIL)
      elseif method == EDIT or method == COMMAND then
        local id = pass_on(method, params, answer)
        passed[this] = id
          and function()
            client:cancel_request(id)
            if on_reply then
              on_reply(this) -- Neovim drops the answer to what is cancelled.
            end
          end
      else
        answer({ code = Errors.MethodNotFound, message = method .. ' is not answered here' })
      end
      return true, this
    end,
    notify = function(method, params)
      if method == 'exit' then
        closing = true
        dispatchers.on_exit(0, 0)
      elseif method == '$/cancelRequest' and passed[params.id] then
        passed[params.id]()
        passed[params.id] = nil
      end
      return true
    end,
    is_closing = function()
      return closing
    end,
    terminate = function()
      closing = true
    end,
  }
end

return M
