# The template has what was given, and nothing else.

variables {
  description     = "A thing."
  logical_id      = "Thing"
  type            = "Custom::Thing"
  service_token   = "arn:aws:lambda:us-east-1:123456789012:function:thread-run"
  service_timeout = 300
  arguments       = { text = "Hello", number = 0.5, absent = null }
  plain_outputs   = { Id = "id" }
  text_outputs    = { Text = "output.text" }
}

run "template_has_one_resource_and_its_attributes" {
  command = plan

  assert {
    condition = yamldecode(output.body) == {
      AWSTemplateFormatVersion = "2010-09-09"
      Description              = "A thing."
      Resources = {
        Thing = {
          Type = "Custom::Thing"
          Properties = {
            ServiceToken   = var.service_token
            ServiceTimeout = 300
            text           = "Hello"
            number         = 0.5
          }
        }
      }
      Outputs = {
        PhysicalId = { Value = { Ref = "Thing" } }
        Id         = { Value = { "Fn::GetAtt" = ["Thing", "id"] } }
        Text       = { Value = { "Fn::Base64" = { "Fn::GetAtt" = ["Thing", "output.text"] } } }
      }
    }
    error_message = "The template must have the given arguments and attributes and nothing else."
  }
}

run "every_property_has_a_line" {
  command = plan

  assert {
    condition     = contains(split("\n", output.body), "      number: 0.5")
    error_message = "A property must be on a line of its own: a plan compares lines."
  }
}

run "stack_timeout_follows_service_timeout" {
  command = plan

  variables {
    service_timeout = 3600
  }

  assert {
    condition     = output.stack_timeout == "190m"
    error_message = "An operation of the stack may take three times the service's time, and ten minutes."
  }
}

run "text_is_passed_on_exactly_in_ascii" {
  command = plan

  variables {
    arguments = {
      thread = {
        messages = [{ content = "$${AWS::Region} %%{if} {{x}} \"quoted\" 'single' \\u00e9 \\ <a&b> # : -\n\ttab\r\n\u007f ü ß ߿ ࠀ 日本 \ufeff \uffff 🏃🏽 \U0010ffff" }]
      }
    }
  }

  assert {
    condition     = yamldecode(output.body).Resources.Thing.Properties.thread.messages[0].content == var.arguments.thread.messages[0].content
    error_message = "Text must come out of the template as it went in."
  }

  assert {
    condition     = can(regex("^[\\x00-\\x7E]*$", output.body))
    error_message = "A character beyond ASCII must be escaped: CloudFormation returns it as a question mark."
  }

  assert {
    condition     = strcontains(output.body, "\\u00fc \\u00df \\u07ff \\u0800 \\u65e5\\u672c \\ufeff \\uffff \\U0001f3c3\\U0001f3fd \\U0010ffff")
    error_message = "Escapes must be those of the characters' code points."
  }
}

run "template_fits_cloudformation" {
  command = plan

  variables {
    arguments = { text = join("", [for number in range(860) : "日日日日日日日日日日"]) }
  }

  expect_failures = [output.body]
}

run "template_as_long_as_possible" {
  command = plan

  variables {
    arguments = { text = join("", [for number in range(840) : "日日日日日日日日日日"]) }
  }
}

run "dynamic_reference_is_refused" {
  command = plan

  variables {
    arguments = { text = "Say {{resolve:secretsmanager:password}}" }
  }

  expect_failures = [output.body]
}
