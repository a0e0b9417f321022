-- A client by the name that plug-ins for Copilot's edits look for; it speaks through the client `dgemma`.

---@type vim.lsp.Config
return {
  cmd = require('dgemma.copilot').start,
  root_dir = function(buf, on_dir)
    require('dgemma.copilot').when_served(buf, function(client)
      on_dir(client.root_dir)
    end)
  end,
}
